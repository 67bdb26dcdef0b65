"""Models that will not do, one after another, as a person asks them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local import paths
from tests.functional.test_cli_bad_input import ROOT, ask_with, refused
from tests.support import tiny_gguf
from tests.support.bad_models import REFUSED


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said_once(tmp_path: Path, name: str) -> None:
    """Exit code 3, nothing on standard output, one line of what is wrong and one of what to do."""
    make, words, remedy = REFUSED[name]
    model = make(tmp_path / "bad.gguf")

    refused(ask_with(model, "--max-tokens", "8"), 3, words, remedy)


def test_a_model_without_a_template_is_asked_in_chatml(tmp_path: Path) -> None:
    """It is no failure; `doctor` and `models info` say which template is in use."""
    model = tiny_gguf.write(tmp_path / "plain.gguf", template=None, think=False)

    done = ask_with(model, "--max-tokens", "8")

    assert done.returncode in (0, 1), done.stderr
    assert "template" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
@pytest.mark.parametrize("megabytes", [120, 600])
def test_missing_memory_is_reported_in_a_message(tmp_path: Path, megabytes: int) -> None:
    """Too little to start with, or too little for the context: a message, never a traceback."""
    model = tiny_gguf.write(tmp_path / "large.gguf", tiny_gguf.LARGE)
    asked = [
        sys.executable,
        "-m",
        "rm_local",
        "ask",
        "-q",
        "--plan",
        "direct",
        "--model",
        str(model),
    ]
    limited = f'ulimit -v {megabytes * 1000}; exec "$@"'
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text("context = 100000\n")

    done = subprocess.run(
        ["sh", "-c", limited, "sh", *asked, "4 + 4?"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    refused(done, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/fd")
@pytest.mark.parametrize("option", ["--model", "--lora"])
def test_a_pipe_is_no_model(option: str) -> None:
    """As from `<(command)`: it could be read only once, and not by the worker process."""
    reading, writing = os.pipe()
    command = [
        sys.executable,
        "-m",
        "rm_local",
        "ask",
        "-q",
        option,
        f"/dev/fd/{reading}",
        "4 + 4?",
    ]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            check=False,
            encoding="utf-8",
            pass_fds=[reading],
        )
    finally:
        os.close(reading)
        os.close(writing)

    refused(done, 3, f"/dev/fd/{reading} is a pipe, not a file")
