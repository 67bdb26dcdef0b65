"""Measures the speed of llama.cpp alone, as a baseline for the speed of the engine.

Run `python -m rm_local.engine.worker.llama.bare_loop MODEL THREADS LAYERS`.

It runs a greedy loop over `llama_decode` for one sequence. Each line of standard input has the
numbers of tokens to read and to write; each line of output has the seconds for both.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import llama_cpp

from rm_local.engine.worker.llama import log
from rm_local.engine.worker.llama.cpu import choose_thread_count
from rm_local.engine.worker.llama.params import build_model_params

_CONTEXT = 4096
"""Context length in tokens."""


class BaselineLoop:
    """A model in llama.cpp, with default parameters, whose speed is measured in a simple loop."""

    def __init__(self, path: Path, threads: int, gpu_layers: int) -> None:
        """Load the model and create its context.

        `threads`: number of threads; 0 = as many as the engine uses. `gpu_layers`: number of layers
        on graphics devices.

        Raises:
            SystemExit: The model cannot be loaded, or its context cannot be created.
        """
        params = build_model_params()
        params.n_gpu_layers = gpu_layers if llama_cpp.llama_supports_gpu_offload() else 0
        model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if model is None:
            raise SystemExit(f"llama.cpp does not load {path}: {log.find_first_error_or_empty()}")
        self._context: Any = self._create_context(model, threads)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self._greedy = llama_cpp.llama_sampler_init_greedy()

    def time_run(self, reads: int, writes: int) -> tuple[float, float]:
        """Measure the seconds to read a prompt of `reads` tokens, and to write `writes` tokens."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        tokens = [(7 * n + 300) % self._vocabulary for n in range(reads)]
        prompt = (llama_cpp.llama_token * reads)(*tokens)
        began = time.perf_counter()
        self._decode_tokens(prompt, reads)
        read = time.perf_counter()
        one = (llama_cpp.llama_token * 1)()
        for _ in range(writes):
            one[0] = llama_cpp.llama_sampler_sample(self._greedy, self._context, -1)
            self._decode_tokens(one, 1)
        return read - began, time.perf_counter() - read

    def _create_context(self, model: Any, threads: int) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = _CONTEXT
        size = llama_cpp.llama_model_size(model)
        params.n_threads = params.n_threads_batch = threads or choose_thread_count(size)
        params.no_perf = True
        context = llama_cpp.llama_init_from_model(model, params)
        if context is None:
            raise SystemExit(f"There is no room for a context: {log.find_first_error_or_empty()}")
        return context

    def _decode_tokens(self, tokens: Any, count: int) -> None:
        code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(tokens, count))
        if code:
            raise SystemExit(f"llama.cpp failed to evaluate {count} tokens (status {code}).")
        llama_cpp.llama_synchronize(self._context)


def main() -> None:
    """Load the model, then run one measurement for each line, until standard input closes."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    log.install_log_callback()
    path, threads, gpu_layers = sys.argv[1:]
    loop = BaselineLoop(Path(path), int(threads), int(gpu_layers))
    for line in sys.stdin:
        reads, writes = map(int, line.split())
        print(*loop.time_run(reads, writes), file=replies)


if __name__ == "__main__":
    main()
