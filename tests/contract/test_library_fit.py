"""What is said to be needed, against what llama.cpp takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from rm_local.engine.worker import cache
from rm_local.engine.worker.model import CONTEXT
from rm_local.library import fit, model
from rm_local.settings import shipped_model
from tests import tiny_gguf

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
SHAPES = ("nano", "large", "wide")
WIDE = tiny_gguf.Shape(width=512, layers=2, heads=8, inner=4096, context=32768)


def taken(path: Path, context: int, kv: str) -> dict[str, int]:
    """What llama.cpp reports, from a process of its own."""
    command = [sys.executable, "-m", "tests.llama_report", str(path), str(context), kv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    told: dict[str, int] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("context", [512, 16384])
@pytest.mark.parametrize(
    ("shape", "kv"),  # tiny's heads are smaller than a block of Q8_0
    [("tiny", "f16"), *((shape, kv) for shape in SHAPES for kv in ("f16", "q8_0"))],
)
def test_the_estimate_holds(
    shape: str, context: int, kv: Literal["f16", "q8_0"], tmp_path: Path
) -> None:
    """The cache is exact; computing is told 0.99 to 1.3 times as it is."""
    shapes = {"tiny": tiny_gguf.Shape(), "large": tiny_gguf.LARGE, "wide": WIDE}
    path = shipped_model()
    if shape in shapes:
        path = tiny_gguf.write(tmp_path / "m.gguf", shapes[shape])

    need, real = fit.needed(model.read(path), context, kv=kv), taken(path, context, kv)

    assert need.cache == pytest.approx(real["kv"], abs=0.01 * MIB)
    computing = real["compute"] + real["output"]
    assert 0.99 * computing <= need.compute <= 1.3 * computing


def test_the_worker_is_as_the_estimate_takes_it() -> None:
    """Its batches and its usual context; its sequences are in the measurements."""
    assert (fit.BATCH_CPU, fit.BATCH_GPU) == (cache.BATCH_CPU, cache.BATCH_GPU)
    assert fit.DEFAULT_CONTEXT == CONTEXT
