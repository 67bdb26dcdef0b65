"""The merged file computes what llama.cpp computes of the base with the adapter loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.gguf import merge_adapter_as_q8_0
from rm_local.library import RM_SMALL_METADATA
from tests.support.random_adapters import make_factors, write_adapter
from tests.support.smollm2 import require_smollm2

PROMPTS = (
    "What is the kinetic energy of a 4 kg mass moving at 6 m/s?",
    "Tom has 3 apples. He buys 5 more and eats 2. How many does he have?",
    "Sort these words: pear, apple, fig.",
)
READ = """
import json, sys
import llama_cpp, numpy
model, adapter, out, prompts = sys.argv[1:]
# As rm-local's worker: llama.cpp crashes with weights repacked for AMX.
low_level = llama_cpp.llama_cpp
params = low_level.llama_model_default_params()
params.use_extra_bufts = False
low_level.llama_model_default_params = lambda: params
llm = llama_cpp.Llama(model, lora_path=adapter or None, n_ctx=256, n_threads=2, verbose=False,
                      logits_all=True)
rows = []
for prompt in json.loads(prompts):
    tokens = llm.tokenize(prompt.encode(), add_bos=False)
    llm.reset()
    llm.eval(tokens)
    rows.append(numpy.array(llm.scores[: len(tokens)], numpy.float64))
numpy.save(out, numpy.concatenate(rows))
"""


def read_logprobs(folder: Path, model: Path, adapter: Path | None = None) -> NDArray[np.float64]:
    """What llama.cpp, in a process of its own, says after each token of the prompts.

    Logarithms of probabilities, shape (tokens, vocabulary).
    """
    out = folder / "logits.npy"
    arguments = [model, adapter or "", out, json.dumps(PROMPTS)]
    command = [sys.executable, "-c", READ, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
    logits: NDArray[np.float64] = np.load(out)
    shifted = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def measure_divergence(true: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The mean over all tokens of the Kullback-Leibler divergence, in nats."""
    return float((np.exp(true) * (true - other)).sum(axis=1).mean())


def test_merged_is_as_loaded(tmp_path: Path) -> None:
    """The distributions differ by rounding alone, which is a small part of what the adapter does.

    Half or twice the adapter, or rows in another order, would not come near.
    """
    base = require_smollm2()
    factors = make_factors(base, size=0.2)
    adapter = write_adapter(tmp_path / "lora.gguf", factors, architecture="llama", alpha=4.0)
    merged = tmp_path / "merged.gguf"

    merge_adapter_as_q8_0(base, adapter, merged, RM_SMALL_METADATA)

    loaded = read_logprobs(tmp_path, base, adapter)
    rounding = measure_divergence(loaded, read_logprobs(tmp_path, merged))
    effect = measure_divergence(loaded, read_logprobs(tmp_path, base))
    assert rounding < 0.03  # 0.013 measured
    assert effect > 20 * rounding  # 1.28 measured
