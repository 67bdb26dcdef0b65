"""`rm-local doctor`: what it finds, and what it says where something is wrong."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rm_local.cli import checks
from rm_local.cli.main import cli
from rm_local.cli.subprocess_json import explain_failed_load, run_json_module
from rm_local.settings import Settings
from tests.support import gguf_headers


def report(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and each check by its name."""
    result = CliRunner().invoke(cli, ["doctor", "--json", *arguments])
    found = json.loads(result.stdout)
    assert found["ok"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in found["checks"]}


def test_the_libraries_are_named() -> None:
    """Python, SQLite, sqlite-vec, llama.cpp with its features, and the devices."""
    _, found = report()

    assert all(found[name]["level"] != "bad" for name in ("Python", "SQLite", "llama.cpp"))
    assert "sqlite-vec v0.1" in found["SQLite"]["found"]
    assert "llama-cpp-python" in found["llama.cpp"]["found"]
    assert "CPU" in found["Devices"]["found"]


def test_what_is_bad_says_what_to_do(tmp_path: Path) -> None:
    """Exit code 1; a model that is not there and a file that is no store are each named."""
    store = tmp_path / "no.rms"
    store.write_bytes(b"hello")

    code, found = report("--model", str(tmp_path / "no.gguf"), "--store", str(store))

    assert code == 1
    for name, path in (("Model", "no.gguf"), ("Store", "no.rms")):
        assert found[name]["level"] == "bad"
        assert path in found[name]["found"]
        assert found[name]["remedy"]


def test_a_part_of_a_model_without_the_first_is_bad(tmp_path: Path) -> None:
    """The checks after it are made, too."""
    part = gguf_headers.write(tmp_path / "m-00002-of-00002.gguf", gguf_headers.model())

    code, found = report("--model", str(part))

    assert (code, found["Model"]["level"]) == (1, "bad")
    assert "m-00001-of-00002.gguf, is missing" in found["Model"]["found"]
    assert "Fits" not in found
    assert "Terminal" in found


def test_the_doctor_says_whether_the_model_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needs under the settings, and a warning with what would fit."""
    _, found = report()
    monkeypatch.setattr(checks, "measure_free_memory", lambda: 50_000_000)
    code, short = report()

    assert "at 2,048 tokens, f16 cache; CPU" in found["Fits"]["found"]
    assert (code, short["Fits"]["level"]) == (0, "warn")
    assert "50.0 MB are free" in short["Fits"]["found"]
    assert "check_memory = false" in short["Fits"]["remedy"]


def test_each_check_is_a_line(tmp_path: Path) -> None:
    """People get level, name and finding, and the remedy below."""
    result = CliRunner().invoke(cli, ["doctor", "--model", str(tmp_path / "no.gguf")])

    lines = result.stdout.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("bad   Model")]
    assert lines[at + 1].startswith(" " * 17)
    assert lines[0].startswith("ok    Python")


def test_a_folder_that_cannot_be_written_to_is_a_bad_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file stands where the folders should be."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("RM_LOCAL_HOME", str(tmp_path / "file"))

    found = {check.name: check for check in checks.run_checks(Settings())}

    assert found["Sessions"].level == "bad"
    assert "RM_LOCAL_HOME" in found["Sessions"].remedy


@pytest.mark.parametrize("message", ["cannot be loaded: it was built for another processor"])
def test_a_build_that_does_not_run_here(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    """A child that died is a bad check with the command that mends it."""
    monkeypatch.setattr(checks, "run_json_module", lambda _: message)

    found = {check.name: check for check in checks.run_checks(Settings())}

    assert found["llama.cpp"].level == "bad"
    assert "llama-cpp-python" in found["llama.cpp"].remedy
    assert found["SQLite"].level == "bad"


def test_a_slow_build_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without the processor's vector instructions works, but is said to be slow."""
    report = {"version": "0", "ggml": "0", "features": ["SSE3"], "offload": False, "devices": []}
    monkeypatch.setattr(
        checks, "run_json_module", lambda module: report if "engine" in module else "no"
    )
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    found = {check.name: check for check in checks.run_checks(Settings())}

    assert found["llama.cpp"].level == "warn"
    assert "AVX2" in found["llama.cpp"].found


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to die of")
def test_the_end_of_a_process_is_described_in_words() -> None:
    """An illegal instruction is described in words, another signal by name, else the last line."""
    assert "illegal instruction" in explain_failed_load(-4, "")
    assert "SIGSEGV" in explain_failed_load(-11, "")
    assert (
        explain_failed_load(1, "Traceback\n  x\nImportError: no\n")
        == "cannot be loaded: ImportError: no"
    )


def test_a_child_without_an_answer() -> None:
    """A module that is not there, and one that prints no JSON, are reported and not raised."""
    assert "No module named" in str(run_json_module("rm_local.nothing"))
    assert run_json_module("this") == "printed no result"


@pytest.mark.parametrize("there", [set(), {"math"}, {"bulk", "math", "small"}])
def test_extras_that_are_absent_are_named(monkeypatch: pytest.MonkeyPatch, there: set[str]) -> None:
    """With the command that installs one; absent ones are nothing bad."""
    monkeypatch.setattr(checks, "is_installed", there.__contains__)
    code, found = report()

    assert (code, found["Extras"]["level"]) == (0, "ok")
    absent = {"bulk", "math", "small"} - there
    assert all(extra in found["Extras"]["found"].partition("not installed")[2] for extra in absent)
    assert ('pip install "rm-local[' in found["Extras"]["remedy"]) == bool(absent)
    assert ("llama.cpp (no extra bulk)" in found["Embedder"]["found"]) == ("bulk" in absent)
