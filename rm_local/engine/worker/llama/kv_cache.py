"""The KV cache: one sequence that is kept from call to call, and branches that share its cells.

A recurrent or hybrid model cannot cut the end of a sequence off. Its states at a few places of the
prompt are kept, each as a sequence of its own, and the root goes back to the last that fits.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import llama_cpp

from rm_local.engine.placement.offload import Placement, PlacementRequest
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.model import Model
from rm_local.engine.worker.llama.params import FLASH, TYPES
from rm_local.engine.worker.llama.thread_controller import ThreadController
from rm_local.errors import EngineError, NoRoom
from rm_local.options import FlashAttention

ROOT = 0
"""The sequence that is kept. Branches have the sequences 1 to `branches`, states those behind."""
PLACES = 4
"""Places of a prompt at most at which a state is kept."""
_FULL, _ABORTED = 1, 2
Row = tuple[int, int, int, bool]
"""A token, its position, its sequence, and whether its logits are wanted."""


class Full(Exception):
    """There are no free cells for the batch; nothing of it was evaluated."""


class Aborted(Exception):
    """The request was cancelled in the middle of a batch."""


class Cache:
    """A llama.cpp context and what its memory holds."""

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
        """`controller` chooses the threads of each step; None = always those of the model.

        Raises:
            NoRoom: There is no memory for the context that was `asked` for.
        """
        self.rewinds = model.rewinds
        self.placement = placement
        self.batch = placement.batch
        self.branches = 32 if model.rewinds else 8
        """Sequences beside the root; each costs memory of its own in a recurrent model."""
        self.held: list[int] = []
        """The tokens that the root holds."""
        self._states: dict[int, int] = {}
        """Sequences that hold the first tokens of the root, by their number."""
        self._model = model
        self._inbox = inbox
        self._controller = controller
        self._abort = _abort_callback()
        self._params = self._parameters(asked, flash_attention)
        self.context: Any = None
        self._open(asked.context)
        self._batch = llama_cpp.llama_batch_init(self.batch, 0, 1)
        for row in range(self.batch):
            self._batch.n_seq_id[row] = 1

    def resize(self, context: int) -> None:
        """Hold so many tokens from now on, and none at first.

        NoRoom when there is none; the cache is then empty and as large as before.
        """
        before = self.capacity
        self.held, self._states = [], {}
        llama_cpp.llama_free(self.context)
        self._memory = None
        try:
            self._open(context)
        except NoRoom:
            self._open(before)
            raise

    def _open(self, context: int) -> None:
        self._params.n_ctx = context
        log.forget()
        self.context = llama_cpp.llama_init_from_model(self._model.handle, self._params)
        if self.context is None:
            raise _refused(context, log.first_error() or "llama.cpp did not say why")
        try:
            self._model.adapters.set_in(self.context)
        except EngineError:
            llama_cpp.llama_free(self.context)
            self.context = None
            raise
        self.capacity: int = llama_cpp.llama_n_ctx(self.context)
        """Cells, shared by all sequences."""
        self.size = log.cache_size()
        """Bytes of the cells, as llama.cpp reports them."""
        self.flash = log.flash_attention()
        self._memory = llama_cpp.llama_get_memory(self.context)
        self._threads = self._model.threads

    def _parameters(self, asked: PlacementRequest, flash_attention: FlashAttention) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_batch = params.n_ubatch = self.batch
        sequences = self.branches + 1 + (0 if self.rewinds else PLACES)
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

    def hold(
        self,
        tokens: Sequence[int],
        *,
        places: Collection[int] = (),
        more: bool = False,
        tell: Callable[[float], None] = lambda _share: None,
    ) -> int:
        """Make the root hold exactly these tokens; the number of them that it held before.

        `places`: numbers of tokens to which this model shall be able to go back. `more`: if the
        root holds all the tokens, it may go on holding what came after them. `tell` hears, between
        two batches, what share of the tokens to evaluate has been.
        """
        kept = common(self.held, tokens)
        if more and kept == len(tokens):
            return kept
        if kept < len(self.held):
            kept = self._go_back(kept)
        if not self.rewinds and places:
            self._forget(keep=places)
        while len(self.held) < len(tokens):
            start = len(self.held)
            stops = [place for place in places if place > start]
            chunk = tokens[start : min(start + self.batch, *stops, len(tokens))]
            self.decode([(token, start + n, ROOT, False) for n, token in enumerate(chunk)])
            self.held += chunk
            if len(self.held) < len(tokens):
                tell((len(self.held) - kept) / (len(tokens) - kept))
            if not self.rewinds and len(self.held) in places:
                self._keep_state()
        return kept

    def fork(self, source: int, target: int) -> None:
        """Let `target` begin with all that `source` holds; nothing is computed."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def drop(self, sequence: int) -> None:
        """Empty a branch's sequence."""
        self._remove(sequence, 0)

    def adopt(self, sequence: int, tokens: Sequence[int]) -> None:
        """Make a branch's sequence, which holds these tokens, and maybe more, the root."""
        self._remove(sequence, len(tokens))
        self._remove(ROOT, 0)
        self.fork(sequence, ROOT)
        self._remove(sequence, 0)
        self.held = list(tokens)

    def decode(self, rows: Sequence[Row]) -> None:
        """Evaluate at most `batch` rows. Full, Aborted, or EngineError for anything worse.

        The root holds what it held before then, or less if rows of its own broke off.
        """
        if self._inbox.cancelled:
            raise Aborted
        if not self.context:
            raise EngineError("The model has lost its context.", "Load it again.")
        batch = self._batch
        batch.n_tokens = len(rows)
        for at, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[at] = token
            batch.pos[at] = position
            batch.seq_id[at][0] = sequence
            batch.logits[at] = wanted
        code = self._compute(len(rows))
        if code == 0:
            return
        if code == _FULL:
            raise Full
        if any(sequence == ROOT for _, _, sequence, _ in rows):
            self._go_back(len(self.held))
        if code == _ABORTED:
            raise Aborted
        raise EngineError(
            f"llama.cpp failed to evaluate {len(rows)} tokens (status {code}).",
            "Ask again; if it stays so, set a smaller `context`.",
        )

    def _compute(self, rows: int) -> int:
        """Evaluate the batch with the threads that suit so many rows; llama.cpp's status."""
        if not self._controller or rows > self.branches:
            self._set_threads(self._model.threads)
            return int(llama_cpp.llama_decode(self.context, self._batch))
        self._set_threads(self._controller.threads(rows))
        began = time.perf_counter()
        code = int(llama_cpp.llama_decode(self.context, self._batch))
        if code == 0:
            self._controller.add_step(rows, time.perf_counter() - began)
        return code

    def _set_threads(self, threads: int) -> None:
        if threads != self._threads:
            llama_cpp.llama_set_n_threads(self.context, threads, threads)
            self._threads = threads

    def close(self) -> None:
        """Free the context."""
        llama_cpp.llama_batch_free(self._batch)
        if self.context:
            llama_cpp.llama_free(self.context)

    def _go_back(self, length: int) -> int:
        """Cut the root to `length` tokens, or to as many of them as the model can; how many."""
        if not (self.rewinds and self._remove(ROOT, length)):
            self._forget(keep=[place for place in self._states if place <= length])
            length = max(self._states, default=0)
            self._remove(ROOT, 0)
            if length:
                self.fork(self._states[length], ROOT)
        del self.held[length:]
        return length

    def _keep_state(self) -> None:
        """Keep the root as it is now, to come back to."""
        place, first = len(self.held), self.branches + 1
        if place not in self._states:
            free = set(range(first, first + PLACES)) - {*self._states.values()}
            self._states[place] = min(free)
            self.fork(ROOT, self._states[place])

    def _forget(self, keep: Collection[int]) -> None:
        for place in [place for place in self._states if place not in keep]:
            self._remove(self._states.pop(place), 0)

    def _remove(self, sequence: int, start: int) -> bool:
        """Take a sequence's tokens from a position on out; False when this model cannot."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1))


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their start."""
    both = zip(left, right, strict=False)
    return next((n for n, (a, b) in enumerate(both) if a != b), min(len(left), len(right)))


def _refused(context: int, reason: str) -> EngineError:
    """The error for a context that llama.cpp does not make."""
    if "does not divide" in reason:
        message = f"This model's keys and values cannot be stored so: {reason}."
        return EngineError(message, 'Set `kv_cache_type = "f16"`.')
    message = f"There is no room for a context of {context:,} tokens: {reason}."
    return NoRoom(message, "Set a smaller `context`, or close other programs.")


def _abort_callback() -> Any:
    """C's `strlen`: true for a C string that is not empty.

    llama.cpp asks between any two operations of its graph; a Python callback there would take the
    interpreter's lock each time and slow small models down by half.
    """
    library = ctypes.CDLL("msvcrt" if hasattr(ctypes, "windll") else None)
    return ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
