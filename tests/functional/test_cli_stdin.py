"""What is piped or redirected into `rm-local ask` in addition to a question."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local.attachment import attach_text, split_attachment
from rm_local.cli import standard_input
from rm_local.cli.main import cli
from rm_local.engine.branches import BranchSpec
from tests.support.fake_runtime import FakeRuntime

Use = Callable[..., FakeRuntime]
CODE = "def f(x):\n    return 2 * x\n"


def run(*arguments: str, text: str | bytes | None = None) -> Result:
    """The end of `ask` with `text` on standard input."""
    return CliRunner().invoke(cli, ["ask", *arguments], input=text)


def ask_process(*arguments: str, **streams: object) -> subprocess.CompletedProcess[bytes]:
    """A process of `ask` with a model that does not exist: it ends when input has been read."""
    command = [sys.executable, "-m", "rm_local", "--model", "./none.gguf", "ask", *arguments]
    return subprocess.run(command, capture_output=True, check=False, **streams)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("text", [CODE, "Zwölf Boxkämpfer\n", "a ```fenced``` word", "x" * 5000])
def test_a_piped_text_is_attached(use: Use, text: str) -> None:
    """The model reads question and text, with clear bounds; standard error reports the text."""
    runtime = use()

    result = run("What does this do?", text=text)

    assert result.exit_code == 0, result.stderr
    asked = split_attachment(runtime.questions[0])
    assert asked.question == "What does this do?"
    assert asked.attachment == text.strip("\n")
    assert "Attached" in result.stderr
    assert "from standard input" in result.stderr


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"\xef\xbb\xbfone\r\n", "one"),
        (b"caf\xe9\n", "caf\ufffd"),
    ],
)
def test_encodings_of_an_attachment(use: Use, text: bytes, read: str) -> None:
    """A byte order mark is no text, and other bytes than UTF-8 are replaced."""
    runtime = use()

    run("-q", "What is this?", text=text)

    assert split_attachment(runtime.questions[0]).attachment == read


@pytest.mark.parametrize("text", [None, "", " \n\n"])
def test_an_empty_input_is_ignored(use: Use, text: str | None) -> None:
    """The question is asked alone, and nothing is reported."""
    runtime = use()

    result = run("What is 4 + 4?", text=text)

    assert runtime.questions == ["What is 4 + 4?"]
    assert "Attached" not in result.stderr


def test_input_is_ignored_on_request(use: Use) -> None:
    """With --no-stdin."""
    runtime = use()

    run("--no-stdin", "What is 4 + 4?", text=CODE)

    assert runtime.questions == ["What is 4 + 4?"]


def test_another_encoding_is_named(use: Use) -> None:
    """As wrong usage."""
    runtime = use()

    result = run("What is this?", text="zwei\n".encode("utf-16"))

    assert result.exit_code == 2
    assert "it is UTF-16; save it as UTF-8" in result.stderr
    assert not runtime.questions


@pytest.mark.parametrize("text", [b"\x89PNG\r\n\x00\x00", b"\x7fELF\x02\x00"])
def test_binary_input_is_refused(use: Use, text: bytes) -> None:
    """As wrong usage, before anything is asked."""
    runtime = use()

    result = run("What is this?", text=text)

    assert result.exit_code == 2
    assert "binary data" in result.stderr
    assert not runtime.questions


@pytest.mark.parametrize("size", [1001, 5000])
def test_a_large_input_is_refused(use: Use, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """With its limit, and what to do."""
    monkeypatch.setattr(standard_input, "MAX_TEXT", 1000)
    use()

    result = run("What is this?", text="x" * size)

    assert result.exit_code == 2
    assert "longer than 1,000 bytes" in result.stderr
    assert "Attach a part of it." in result.stderr


def test_a_schema_from_standard_input_is_no_attachment(use: Use) -> None:
    """The stream belongs to the option that names it."""
    runtime = use()

    run("-q", "--json-schema", "-", "What is 4 + 4?", text='{"type": "number"}')

    assert runtime.questions == ["What is 4 + 4?"]
    (spec, *_) = runtime.engine.grown[-1]
    assert isinstance(spec, BranchSpec)
    assert spec.grammar


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of an open pipe that is standard input."""
    reading, writing = os.pipe()
    with io.TextIOWrapper(os.fdopen(reading, "rb")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(standard_input, "FIRST_BYTE_S", 0.01)
        yield writing
    os.close(writing)


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes cannot be waited for")
def test_an_open_pipe_without_text_is_left(pipe: int, capsys: pytest.CaptureFixture[str]) -> None:
    """After a while, with a warning that names the options; the pipe stays open."""
    assert standard_input.read_stdin_attachment_or_empty(None) == ""
    warning = capsys.readouterr().err
    assert warning.startswith("warning: Nothing came from standard input")
    assert "--stdin" in warning
    os.write(pipe, b"late")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such devices")
@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_no_attachment(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the null device nor one without an end is read."""
    with open(device) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        assert standard_input.read_stdin_attachment_or_empty(None) == ""


def test_a_file_is_read_only_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of which a shell has read lines is the list of its loop."""
    file = tmp_path / "questions.txt"
    file.write_text("first\nsecond\n")
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.lseek(stdin.fileno(), 6, os.SEEK_SET)
        assert standard_input.read_stdin_attachment_or_empty(None) == ""
        assert standard_input.read_stdin_attachment_or_empty(True) == "second"
        os.lseek(stdin.fileno(), 0, os.SEEK_SET)
        assert standard_input.read_stdin_attachment_or_empty(None) == "first\nsecond"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
@pytest.mark.parametrize(
    ("redirection", "code", "words"),
    [
        ("<&-", 3, "none.gguf"),
        ("</dev/null", 3, "none.gguf"),
        ("< README.txt", 3, "none.gguf"),
        ("--stdin <&-", 2, "standard input is closed"),
    ],
)
def test_a_process_with_another_input(
    redirection: str, code: int, words: str, tmp_path: Path
) -> None:
    """A closed, an empty and a redirected input let the question be asked; nothing crashes."""
    (tmp_path / "README.txt").write_text("A text.\n")
    command = f"exec {sys.executable} -m rm_local --model ./none.gguf ask hello {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == code, done.stderr
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_process_with_a_pipe_that_stays_open(tmp_path: Path) -> None:
    """As under ssh, or in a program that gives its child a pipe: it ends by itself."""
    reading, writing = os.pipe()
    try:
        done = ask_process("hello", stdin=reading, cwd=tmp_path)
    finally:
        os.close(reading)
        os.close(writing)

    assert done.returncode == 3, done.stderr
    assert b"--no-stdin" in done.stderr


@pytest.mark.parametrize("text", ["", "`", "```\ncode\n```", "````", "\n", "Attached text:\n```"])
def test_an_attachment_is_found_again(text: str) -> None:
    """Whatever fences it has itself."""
    asked = split_attachment(attach_text("Why?", text))

    assert (asked.question, asked.attachment) == ("Why?", text)


@pytest.mark.parametrize("question", ["Why?", "```\nx\n```", "a\n\nAttached text:\nb"])
def test_a_plain_question_has_no_attachment(question: str) -> None:
    """It is the whole question."""
    assert split_attachment(question).summary == question
