"""The KV cache of a model: one sequence for the prompt, and more for the branches after it.

The prompt's sequence, the prefix sequence, is kept between calls; branches share its cells. In a
recurrent or hybrid model the end of a sequence cannot be removed. Its states at a few positions of
the prompt are therefore kept as checkpoints, each in a sequence of its own, and the prefix sequence
is restored from the last checkpoint that fits.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import llama_cpp

from rm_local.engine.placement.offload import Placement, PlacementRequest
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.llama.params import FLASH, TYPES
from rm_local.engine.worker.llama.thread_controller import ThreadController
from rm_local.errors import ContextAllocationError, EngineError
from rm_local.options import FlashAttention

PREFIX = 0
"""Number of the prefix sequence; the numbers of branches and then of checkpoints follow."""
MAX_CHECKPOINTS = 4
"""Maximum number of checkpoints: states of the prompt that a recurrent model can return to."""
_FULL, _ABORTED = 1, 2
"""Results of `llama_decode`: no free cells, and aborted by the callback."""
Row = tuple[int, int, int, bool]
"""A row of a batch: a token, its position, its sequence, and whether its logits are needed."""


class CacheFullError(Exception):
    """The KV cache has no free cells for a batch; no token of the batch was evaluated."""


class DecodeAbortedError(Exception):
    """A batch was not evaluated, or not completely, because the request was cancelled."""


class KVCache:
    """A llama.cpp context for a model, and a record of the tokens in its KV cache."""

    def __init__(
        self,
        model: Model,
        inbox: Inbox,
        placement: Placement,
        asked: PlacementRequest,
        flash_attention: FlashAttention = "auto",
        *,
        controller: ThreadController | None = None,
    ) -> None:
        """Create the context with the length in `asked`.

        `controller`: chooses the number of threads for each decoding step; None = always the
        model's `threads`.

        Raises:
            ContextAllocationError: There is not enough memory for the requested context.
        """
        self.rewinds = model.rewinds
        self.placement = placement
        self.batch_size = placement.batch
        self.branches = 32 if model.rewinds else 8
        """Maximum number of branches at once; in a recurrent model each sequence needs memory."""
        self.prefix_tokens: list[int] = []
        """The tokens that are in the prefix sequence now."""
        self._checkpoints: dict[int, int] = {}
        """Number of tokens of a checkpoint -> number of its sequence."""
        self._model = model
        self._inbox = inbox
        self._controller = controller
        self._abort = _create_abort_callback()
        self._params = self._build_params(asked, flash_attention)
        self.context: Any = None
        self._create_context(asked.context)
        self._batch = llama_cpp.llama_batch_init(self.batch_size, 0, 1)
        for row in range(self.batch_size):
            self._batch.n_seq_id[row] = 1

    def resize_and_empty_context(self, context: int) -> None:
        """Replace the context by an empty one with a length of `context` tokens.

        Raises:
            ContextAllocationError: There is not enough memory.
            EngineError: llama.cpp or an adapter refuses the new context. After any error the
                context has its old size, and is empty.
        """
        before = self.capacity
        self.prefix_tokens, self._checkpoints = [], {}
        llama_cpp.llama_free(self.context)
        self._memory = None
        try:
            self._create_context(context)
        except EngineError:
            with suppress(EngineError):  # the first error says more
                self._create_context(before)
            raise

    def _create_context(self, context: int) -> None:
        """Create llama.cpp's context for `context` tokens, with the adapters; read its properties.

        Raises:
            EngineError: llama.cpp or an adapter refuses it; `self.context` is None then.
        """
        self._params.n_ctx = context
        log.forget_kept_log_messages()
        self.context = llama_cpp.llama_init_from_model(self._model.handle, self._params)
        if self.context is None:
            raise _make_context_error(
                context, log.find_first_error_or_empty() or "llama.cpp did not say why"
            )
        try:
            self._model.adapters.apply_to_context(self.context)
        except EngineError:
            llama_cpp.llama_free(self.context)
            self.context = None
            raise
        self.capacity: int = llama_cpp.llama_n_ctx(self.context)
        """Number of cells, one for each token; all sequences share them."""
        self.size = log.sum_logged_cache_bytes()
        """Bytes of all cells, as reported by llama.cpp."""
        self.flash_attention = log.log_shows_flash_attention()
        self._memory = llama_cpp.llama_get_memory(self.context)
        self._threads = self._model.threads

    def _build_params(self, asked: PlacementRequest, flash_attention: FlashAttention) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_batch = params.n_ubatch = self.batch_size
        sequences = self.branches + 1 + (0 if self.rewinds else MAX_CHECKPOINTS)
        params.n_seq_max = params.n_outputs_max = sequences
        params.n_threads = params.n_threads_batch = self._model.threads
        params.type_k = params.type_v = TYPES[asked.kv]
        params.flash_attn_type = FLASH[flash_attention]
        params.offload_kqv = self.placement.cache_on_device
        params.kv_unified = True
        params.no_perf = True
        params.abort_callback = self._abort
        params.abort_callback_data = ctypes.addressof(self._inbox.abort)
        return params

    def prefill_prefix_and_count_reused(
        self,
        tokens: Sequence[int],
        *,
        checkpoints: Collection[int] = (),
        keep_rest: bool = False,
        on_progress: Callable[[float], None] = lambda _share: None,
    ) -> int:
        """Cut and extend the prefix sequence to `tokens`; return how many of them were reused.

        Only the tokens after the reused ones are evaluated. `checkpoints`: numbers of tokens to
        which later calls may return. `keep_rest`: if the sequence begins with all of `tokens`,
        keep the tokens after them, too. `on_progress` is called between two batches with the share
        of the new tokens that is evaluated.
        """
        kept = count_common_prefix(self.prefix_tokens, tokens)
        if keep_rest and kept == len(tokens):
            return kept
        if kept < len(self.prefix_tokens):
            kept = self._rewind_prefix_and_count_left(kept)
        if not self.rewinds and checkpoints:
            self._drop_checkpoints_except(keep=checkpoints)
        while len(self.prefix_tokens) < len(tokens):
            start = len(self.prefix_tokens)
            stops = [position for position in checkpoints if position > start]
            chunk = tokens[start : min(start + self.batch_size, *stops, len(tokens))]
            self.decode_rows([(token, start + n, PREFIX, False) for n, token in enumerate(chunk)])
            self.prefix_tokens += chunk
            if len(self.prefix_tokens) < len(tokens):
                on_progress((len(self.prefix_tokens) - kept) / (len(tokens) - kept))
            if not self.rewinds and len(self.prefix_tokens) in checkpoints:
                self._save_checkpoint_if_missing()
        return kept

    def fork_sequence(self, source: int, target: int) -> None:
        """Make the empty sequence `target` a copy of `source` that shares its cells."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def drop_sequence(self, sequence: int) -> None:
        """Remove all tokens of a sequence from the cache."""
        self._try_to_remove_tokens(sequence, 0)

    def move_sequence_to_prefix(self, sequence: int, tokens: Sequence[int]) -> None:
        """Make the first tokens of a branch's sequence the new prefix sequence.

        `tokens`: these tokens. The branch's sequence is empty afterwards.
        """
        self._try_to_remove_tokens(sequence, len(tokens))
        self._try_to_remove_tokens(PREFIX, 0)
        self.fork_sequence(sequence, PREFIX)
        self._try_to_remove_tokens(sequence, 0)
        self.prefix_tokens = list(tokens)

    def decode_rows(self, rows: Sequence[Row]) -> None:
        """Evaluate the rows as one batch; their number is at most `batch_size`.

        After an error, the prefix sequence has the same tokens as before, or fewer if its own rows
        were evaluated.

        Raises:
            CacheFullError: There are no free cells.
            DecodeAbortedError: The request was cancelled.
            EngineError: Any other failure.
        """
        if self._inbox.cancel_reason:
            raise DecodeAbortedError
        if not self.context:
            raise EngineError("The model has lost its context.", "Load it again.")
        batch = self._batch
        batch.n_tokens = len(rows)
        for at, (token, position, sequence, needs_logits) in enumerate(rows):
            batch.token[at] = token
            batch.pos[at] = position
            batch.seq_id[at][0] = sequence
            batch.logits[at] = needs_logits
        code = self._evaluate_batch(len(rows))
        if code == 0:
            return
        if code == _FULL:
            raise CacheFullError
        if any(sequence == PREFIX for _, _, sequence, _ in rows):
            self._rewind_prefix_and_count_left(len(self.prefix_tokens))
        if code == _ABORTED:
            raise DecodeAbortedError
        raise EngineError(
            f"llama.cpp failed to evaluate {len(rows)} tokens (status {code}).",
            "Ask again; if it fails again, set a smaller `context`.",
        )

    def _evaluate_batch(self, rows: int) -> int:
        """Let llama.cpp evaluate the batch of `rows` rows; return the result of `llama_decode`.

        The controller, if there is one, chooses the threads, and gets the duration.
        """
        if not self._controller or rows > self.branches:
            self._set_threads(self._model.threads)
            return int(llama_cpp.llama_decode(self.context, self._batch))
        self._set_threads(self._controller.choose_threads(rows))
        began = time.perf_counter()
        code = int(llama_cpp.llama_decode(self.context, self._batch))
        if code == 0:
            self._controller.record_step(rows, time.perf_counter() - began)
        return code

    def _set_threads(self, threads: int) -> None:
        if threads != self._threads:
            llama_cpp.llama_set_n_threads(self.context, threads, threads)
            self._threads = threads

    def close(self) -> None:
        """Free llama.cpp's context with the KV cache."""
        llama_cpp.llama_batch_free(self._batch)
        if self.context:
            llama_cpp.llama_free(self.context)

    def _rewind_prefix_and_count_left(self, length: int) -> int:
        """Cut the prefix sequence to `length` tokens; return how many tokens are left.

        In a recurrent model these are the tokens of the last checkpoint up to `length`; later
        checkpoints are removed.
        """
        if not (self.rewinds and self._try_to_remove_tokens(PREFIX, length)):
            self._drop_checkpoints_except(
                keep=[position for position in self._checkpoints if position <= length]
            )
            length = max(self._checkpoints, default=0)
            self._try_to_remove_tokens(PREFIX, 0)
            if length:
                self.fork_sequence(self._checkpoints[length], PREFIX)
        del self.prefix_tokens[length:]
        return length

    def _save_checkpoint_if_missing(self) -> None:
        """Keep the state of the prefix sequence as a checkpoint, unless it is one already."""
        position, first = len(self.prefix_tokens), self.branches + 1
        if position not in self._checkpoints:
            free = set(range(first, first + MAX_CHECKPOINTS)) - {*self._checkpoints.values()}
            self._checkpoints[position] = min(free)
            self.fork_sequence(PREFIX, self._checkpoints[position])

    def _drop_checkpoints_except(self, keep: Collection[int]) -> None:
        """Remove all checkpoints except those with a number of tokens in `keep`."""
        for position in [position for position in self._checkpoints if position not in keep]:
            self._try_to_remove_tokens(self._checkpoints.pop(position), 0)

    def _try_to_remove_tokens(self, sequence: int, start: int) -> bool:
        """Remove a sequence's tokens from position `start` on; return False if llama.cpp cannot."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1))


def count_common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Count the equal tokens at the start of two sequences."""
    both = zip(left, right, strict=False)
    return next((n for n, (a, b) in enumerate(both) if a != b), min(len(left), len(right)))


def _make_context_error(context: int, reason: str) -> EngineError:
    """Build the error for a context of `context` tokens that llama.cpp cannot create."""
    if "does not divide" in reason:
        message = f"This model's keys and values cannot be stored in this type: {reason}."
        return EngineError(message, 'Set `kv_cache_type = "f16"`.')
    message = f"There is no room for a context of {context:,} tokens: {reason}."
    return ContextAllocationError(message, "Set a smaller `context`, or close other programs.")


def _create_abort_callback() -> Any:
    """Return C's function `strlen` as the callback that says whether llama.cpp has to abort.

    It is true for a C string that is not empty; its argument is `Inbox.abort`. llama.cpp calls it
    between any two operations of its graph; a Python callback would need the interpreter's lock,
    and slow small models by half.
    """
    library = ctypes.CDLL("msvcrt" if hasattr(ctypes, "windll") else None)
    return ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
