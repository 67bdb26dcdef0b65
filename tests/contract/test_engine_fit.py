"""What is said to be needed, against what llama.cpp takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.engine.placement import requirements
from rm_local.library import model_file
from rm_local.options import Precision
from rm_local.paths import shipped_model
from tests.support import tiny_gguf

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
SHAPES = ("nano", "large", "wide")
WIDE = tiny_gguf.Shape(width=512, layers=2, heads=8, inner=4096, context=32768)


def taken(path: Path, context: int, kv: str, flash: str = "auto") -> dict[str, int]:
    """What llama.cpp reports, from a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.support.llama_report",
        str(path),
        str(context),
        kv,
        flash,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    sizes: dict[str, int] = json.loads(done.stdout)
    return sizes


@pytest.mark.parametrize("context", [512, 16384])
@pytest.mark.parametrize(
    ("shape", "kv"),  # tiny's heads are smaller than a block of Q8_0
    [
        ("tiny", "f16"),
        *((shape, kv) for shape in SHAPES for kv in ("f16", "q8_0")),
        *(("nano", kv) for kv in requirements.PRECISIONS[2:]),
    ],
)
def test_the_estimate_holds_for_every_kind_of_cache(
    shape: str, context: int, kv: Precision, tmp_path: Path
) -> None:
    """The cache is exact; computing is estimated at 0.99 to 1.3 times what it is."""
    path = model_of(shape, tmp_path)

    need, real = (
        requirements.estimate_memory(model_file.read_model_description(path), context, kv=kv),
        taken(path, context, kv),
    )

    assert need.cache == pytest.approx(real["kv"], abs=0.01 * MIB)
    computing = real["compute"] + real["output"]
    assert 0.99 * computing <= need.compute <= 1.3 * computing


@pytest.mark.parametrize("context", [512, 16384])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_estimate_holds_without_flash_attention(
    shape: str, context: int, tmp_path: Path
) -> None:
    """The scores are the larger part of computing then; estimated at 0.99 to 1.5 times."""
    path = model_of(shape, tmp_path)

    need = requirements.estimate_memory(
        model_file.read_model_description(path), context, flash=False
    )
    real = taken(path, context, "f16", "off")

    assert need.cache == pytest.approx(real["kv"], abs=0.01 * MIB)
    computing = real["compute"] + real["output"]
    assert 0.99 * computing <= need.compute <= 1.5 * computing


def model_of(shape: str, folder: Path) -> Path:
    """The shipped model, or one of random weights."""
    shapes = {"tiny": tiny_gguf.Shape(), "large": tiny_gguf.LARGE, "wide": WIDE}
    if shape in shapes:
        return tiny_gguf.write(folder / "m.gguf", shapes[shape])
    return shipped_model()
