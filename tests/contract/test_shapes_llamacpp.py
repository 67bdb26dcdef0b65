"""Shapes of random weights under llama.cpp: its own mixture of types, and figures from a bench."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
from click.testing import CliRunner

from models.shapes.shape import read_shapes
from models.shapes.write import write_gguf
from rm_local import paths
from rm_local.bench.engine import busy
from rm_local.cli.main import cli
from rm_local.system import count_usable_processors
from tests.support.watchdog import HANG_SECONDS

Q4_K_M = 15


def types(path: Path) -> dict[str, str]:
    """The type of every tensor."""
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


@pytest.mark.parametrize("name", ["qwen3-0.6b", "olmoe-1b-7b", "lfm2-350m"])
def test_the_mixture_of_types_is_the_quantisers(name: str, tmp_path: Path) -> None:
    """Tensor by tensor as llama.cpp's quantiser gives them for a file of that form."""
    import llama_cpp

    full = replace(
        read_shapes()[name].keep_first_layers(12), width=256, inner=256, vocabulary=1600, head=64
    )
    shape = replace(full, heads=4, kv_heads=2 if full.head_norm == "head" else 4)
    shape = replace(shape, experts=min(4, full.experts), experts_used=min(2, full.experts_used))
    plain, theirs, ours = (tmp_path / f"{kind}.gguf" for kind in ("plain", "theirs", "ours"))
    write_gguf(shape, plain, "F16", paths.shipped_model())
    write_gguf(shape, ours, "Q4_K_M", paths.shipped_model())
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = Q4_K_M
    files = str(plain).encode(), str(theirs).encode()
    assert llama_cpp.llama_model_quantize(*files, ctypes.byref(params)) == 0

    assert types(ours) == types(theirs)


def test_a_bench_gives_every_figure() -> None:
    """`models bench --json` on the shipped model: all figures, none of them nothing."""
    result = CliRunner().invoke(
        cli, ["models", "bench", "--json", "--rounds", "1", "--seconds", "0.05"]
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)

    assert found["model"] == "rm-nano-q8_0"
    for figure in (
        "decode_tokens_per_s",
        "decode_ratio_to_bare",
        "prefill_tokens_per_s",
        "time_to_first_token_s",
        "confidence_ratio",
        "grammar_ratio",
        "memory_mb",
    ):
        assert found[figure] > 0
    assert {"4", "8", "16"} <= found["branch_speedup"].keys()
    assert set(found["branches_tokens_per_s"]) == {"1", "2", "4", "8", "16", "32"}


def test_a_busy_bench_gives_both_speeds_and_ends_its_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """`models bench --busy --json`: quiet, busy and ratio of one and eight branches."""
    started: list[Watched] = []

    class Watched(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if busy.LOOP in arguments[0]:
                started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    result = CliRunner().invoke(
        cli, ["models", "bench", "--busy", "--json", "--rounds", "1", "--seconds", "0.05"]
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)

    assert found["loops"] == len(started) == count_usable_processors()
    assert all(loop.returncode is not None for loop in started)
    for figure in ("quiet_tokens_per_s", "busy_tokens_per_s", "ratio"):
        assert found[figure].keys() == {"1", "8"}
        assert all(value > 0 for value in found[figure].values())


def test_a_busy_loop_ends_when_its_parent_is_gone() -> None:
    """A closed standard input, which is what a killed parent leaves, ends the program."""
    loop = subprocess.Popen([sys.executable, "-c", busy.LOOP], stdin=subprocess.PIPE)

    loop.communicate(timeout=HANG_SECONDS)

    assert loop.returncode == 0


def test_a_bench_of_no_model_says_which_file(tmp_path: Path) -> None:
    """Exit code 3, the file's name, and no figures."""
    result = CliRunner().invoke(cli, ["models", "bench", str(tmp_path / "none.gguf")])

    assert result.exit_code == 3
    assert "none.gguf" in result.stderr
    assert not result.stdout
