"""What a real worker says of how likely a text was, against numpy over llama.cpp's logits."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.engine.branches import BranchSpec, SamplingParameters
from rm_local.engine.client import Engine
from rm_local.errors import UsageError
from tests.support.engines import GREEDY, QUESTION, grown

HOT = SamplingParameters(temperature=1.7, top_p=0.8)
PROMPT = f"<|im_start|>user\n{QUESTION[0].content}<|im_end|>\n<|im_start|>assistant\n<think>\nthe"


def reference(model: Path, written: list[int]) -> NDArray[np.float64]:
    """log-softmax over the logits from which each token was drawn, shape (tokens, vocabulary)."""
    script = (
        "import sys, json, numpy, llama_cpp\n"
        f"llm = llama_cpp.Llama({str(model)!r}, n_ctx=512, verbose=False, n_threads=1,\n"
        "                      logits_all=True)\n"
        f"prompt = llm.tokenize({PROMPT.encode()!r}, add_bos=False, special=True)\n"
        f"llm.eval(prompt + {written})\n"
        f"raw = llm.scores[len(prompt) - 1 : len(prompt) - 1 + {len(written)}]\n"
        "json.dump(raw.astype(float).tolist(), sys.stdout)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    raw = np.array(json.loads(done.stdout))
    highest = raw.max(axis=1, keepdims=True)
    shifted = raw - highest
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


async def test_they_are_the_models_own_before_temperature(engine: Engine, tiny: Path) -> None:
    """Each token's, the three likeliest ones, and their mean; other branches do not matter."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    other = BranchSpec("another hint", 1, 12, HOT, endless=True)

    _, (end, silent) = await grown(
        engine, [BranchSpec("the", 5, 12, HOT, endless=True, logprobs=3), other]
    )

    written = [drawn.token for drawn in end.logprobs]
    wanted = reference(tiny, written)
    assert len(written) == end.tokens == 12
    assert (silent.confidence, silent.logprobs) == (None, ())
    for drawn, row in zip(end.logprobs, wanted, strict=True):
        assert drawn.logprob == pytest.approx(row[drawn.token], abs=5e-3)
        assert [one.logprob for one in drawn.top] == pytest.approx(np.sort(row)[:-4:-1], abs=5e-3)
        assert row[[one.token for one in drawn.top]] == pytest.approx(
            [one.logprob for one in drawn.top], abs=5e-3
        )
    assert end.confidence == pytest.approx(fmean(drawn.logprob for drawn in end.logprobs))


async def test_the_mean_alone_is_the_same_mean(engine: Engine, tiny: Path) -> None:
    """Asked for none of the likeliest, a branch writes the same and reports its confidence."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    spec = BranchSpec("the", 0, 10, GREEDY, endless=True)

    texts, (off, mean, full) = await grown(
        engine, [spec, replace(spec, logprobs=0), replace(spec, logprobs=2)]
    )

    assert texts[0] == texts[1] == texts[2]
    assert off.confidence is None
    assert mean.logprobs == ()
    assert mean.confidence == pytest.approx(full.confidence, abs=1e-6)
    assert all(drawn.top[0].token == drawn.token for drawn in full.logprobs)
    assert "".join(drawn.text for drawn in full.logprobs).strip() == texts[2]["thinking"].strip()


async def test_too_many_are_refused(engine: Engine, tiny: Path) -> None:
    """More likeliest tokens than fit into a reply are an error before anything is evaluated."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)

    with pytest.raises(UsageError, match="11 alternatives"):
        await grown(engine, [BranchSpec("", 0, 4, logprobs=11)])
