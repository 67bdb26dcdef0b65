"""Real files that will not do: each has its own message, its exit code, and loses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person starts it."""
    command = [sys.executable, "-m", "rm_local", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert exit code, silence on standard output, and two lines that hold `words`."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 2
    for word in words:
        assert word in done.stderr


def ask_with(model: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`ask` with nothing but the model."""
    return run("ask", "-q", "--plan", "direct", "--model", str(model), *arguments, "4 + 4?")


def test_a_missing_model_ends_with_exit_code_3(tmp_path: Path) -> None:
    """Exit code 3, with the path."""
    refused(ask_with(tmp_path / "no.gguf"), 3, "no.gguf")


def test_a_model_that_is_no_gguf_ends_with_exit_code_3(tmp_path: Path) -> None:
    """Exit code 3; the file is left as it is."""
    model = tmp_path / "notes.gguf"
    model.write_text("these are my notes")

    refused(ask_with(model), 3, "notes.gguf", "GGUF")

    assert model.read_text() == "these are my notes"


def test_a_truncated_model_ends_with_exit_code_3(tmp_path: Path) -> None:
    """Exit code 3, distinguished from a file that is no GGUF."""
    model = tmp_path / "cut.gguf"
    model.write_bytes(b"GGUF\x03\x00\x00\x00\x05")

    refused(ask_with(model), 3, "cut.gguf", "cut short")


def test_a_folder_as_model_ends_with_exit_code_3(tmp_path: Path) -> None:
    """Exit code 3."""
    refused(ask_with(tmp_path), 3, str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [b"", b"SQLite format 3\x00" + b"\x00" * 40, b"x" * 5000],
    ids=["empty", "header cut", "something else"],
)
def test_a_file_that_is_no_store_ends_with_exit_code_4(tmp_path: Path, content: bytes) -> None:
    """Exit code 4 from `search`; the file is left as it is, and no other file is made."""
    store = tmp_path / "stores" / "no.rms"
    store.parent.mkdir()
    store.write_bytes(content)

    refused(run("search", "--store", str(store), "add"), 4, "no.rms")

    assert store.read_bytes() == content
    assert list(store.parent.iterdir()) == [store]


def test_a_missing_store_ends_with_exit_code_4(tmp_path: Path) -> None:
    """Exit code 4, and none is made."""
    store = tmp_path / "no.rms"

    refused(run("search", "--store", str(store), "add"), 4, "no.rms")

    assert not store.exists()


def test_an_empty_question_ends_with_exit_code_2() -> None:
    """Exit code 2."""
    refused(run("ask", " "), 2, "empty")


def test_an_unknown_plan_ends_with_exit_code_2() -> None:
    """Exit code 2, with the names that there are."""
    refused(run("ask", "--plan", "magic", "4 + 4?"), 2, "'magic'", "memory, direct")


def test_bad_settings_end_with_exit_code_2(own_home: Path) -> None:
    """Exit code 2, with file, key and what is allowed."""
    own_home.mkdir()
    (own_home / "config.toml").write_text("threads = 'all'\n")

    refused(run("search", "add"), 2, "config.toml", "threads", "whole number")


def test_a_missing_session_ends_with_exit_code_2() -> None:
    """Exit code 2, with the way to list them."""
    refused(run("sessions", "show", "nothing"), 2, "nothing", "rm-local sessions")
