"""Embeds texts with a sentence embedder (BERT and similar) in llama.cpp."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.cpu import choose_thread_count
from rm_local.engine.worker.llama.load_errors import find_load_remedy_or_default
from rm_local.engine.worker.llama.params import build_model_params
from rm_local.errors import EngineError, InvalidModelError
from rm_local.gguf import check_file_complete, read_header

_BATCH_TOKENS = 2048
"""Maximum number of tokens in a batch, unless the embedder accepts longer texts."""
_BATCH_TEXTS = 32
"""Maximum number of texts in a batch."""
_REMEDY = "Its file may be damaged. Reinstall rm-local."


class Embedder:
    """A loaded sentence embedder; a text's vector is the normalized mean over its tokens."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the embedder from a GGUF file, on the CPU.

        `threads`: number of threads; 0 = chosen by the embedder's size.

        Raises:
            ModelNotFoundError: There is no such file.
            InvalidModelError: llama.cpp cannot load the file.
        """
        header = read_header(path)
        check_file_complete(path, header)
        log.forget_kept_log_messages()
        params = build_model_params()
        params.n_gpu_layers = 0
        self._model: Any = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if self._model is None:
            reason = log.find_first_error_or_empty() or "it did not say why"
            raise InvalidModelError(
                f"llama.cpp does not load {path}: {reason}.",
                find_load_remedy_or_default(reason, damaged=_REMEDY),
            )
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.dimension: int = llama_cpp.llama_model_n_embd(self._model)
        self._max_tokens: int = llama_cpp.llama_model_n_ctx_train(self._model)
        self._batch_size = max(_BATCH_TOKENS, self._max_tokens)
        size = llama_cpp.llama_model_size(self._model)
        self._context = self._create_context_or_free_model(threads or choose_thread_count(size))
        self._batch = llama_cpp.llama_batch_init(self._batch_size, 0, 1)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as the rows of a float32 array (texts, dimension), each of length 1.

        A text that is too long is truncated.

        Raises:
            EngineError: llama.cpp failed, or the weights are damaged.
        """
        vectors = np.empty((len(texts), self.dimension), np.float32)
        start = 0
        for group in self._group_tokenized_texts(
            [self._tokenize_and_truncate_text(text) for text in texts]
        ):
            vectors[start : start + len(group)] = self._evaluate_group(group)
            start += len(group)
        if not np.isfinite(vectors).all():
            raise EngineError("The embedder produced NaN or infinite values.", _REMEDY)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def close(self) -> None:
        """Free the embedder's weights and its context."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _create_context_or_free_model(self, threads: int) -> Any:
        """Create llama.cpp's context; if there is no memory for it, free the model.

        Raises:
            EngineError: There is not enough memory.
        """
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self._batch_size
        params.n_seq_max = _BATCH_TEXTS
        params.n_threads = params.n_threads_batch = threads
        params.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_MEAN
        params.embeddings = True
        params.kv_unified = True
        params.no_perf = True
        context = llama_cpp.llama_init_from_model(self._model, params)
        if context is None:
            llama_cpp.llama_model_free(self._model)
            raise EngineError("There is no room for the embedder.", "Close other programs.")
        return context

    def _tokenize_and_truncate_text(self, text: str) -> list[int]:
        """Tokenize a text; if it is too long, truncate it, but keep its last (special) token."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), tokens, room, True, False)
        found = list(tokens[:count])
        return found if count <= self._max_tokens else [*found[: self._max_tokens - 1], found[-1]]

    def _group_tokenized_texts(self, texts: Sequence[list[int]]) -> Iterator[list[list[int]]]:
        """Yield the tokenized texts in order, in groups that each fit into one batch."""
        group: list[list[int]] = []
        for tokens in texts:
            used = sum(map(len, group))
            if group and (len(group) == _BATCH_TEXTS or used + len(tokens) > self._batch_size):
                yield group
                group = []
            group.append(tokens)
        if group:
            yield group

    def _evaluate_group(self, group: Sequence[list[int]]) -> NDArray[np.float32]:
        """Evaluate tokenized texts in one batch; return their vectors, not normalized, as rows.

        Raises:
            EngineError: llama.cpp failed.
        """
        batch = self._batch
        batch.n_tokens = sum(map(len, group))
        rows = ((t, p, s) for s, tokens in enumerate(group) for p, t in enumerate(tokens))
        for at, (token, position, sequence) in enumerate(rows):
            batch.token[at] = token
            batch.pos[at] = position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = sequence
            batch.logits[at] = True
        if code := llama_cpp.llama_encode(self._context, batch):
            raise EngineError(f"The embedder failed (status {code}).", "Its log has the details.")
        vectors = [
            np.ctypeslib.as_array(
                llama_cpp.llama_get_embeddings_seq(self._context, sequence), (self.dimension,)
            ).copy()
            for sequence in range(len(group))
        ]
        return np.stack(vectors)
