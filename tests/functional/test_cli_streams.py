"""Commands as processes whose standard streams are closed, full, without a reader, or not UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "--help": 0,
    "search add fractions": 0,
    "store export": 0,
    "models info --json rm-nano-q8_0": 0,
    "sessions": 0,
    "doctor": 0,
    "ask --plan direct 3+4": 0,
    "search --nosuch": 2,
}
"""Commands and their exit codes."""
QUICK = ["store export", "search add", "models info nosuch"]
FULL = Path("/dev/full")
SLOW_WRITER = """
import os, sys
from types import SimpleNamespace
from rm_local.cli import main, streams

parts = {parts}
reader, writer = os.pipe()
os.set_blocking(reader, False)
os.dup2(reader, 0)

def write_next_part(*_):
    os.write(writer, parts.pop(0)) if parts else os.close(writer)

streams.select = SimpleNamespace(select=write_next_part)
sys.argv = ["rm-local", "--model", "./none.gguf", *{command}]
main.main()
"""
"""Runs a command with a pipe into which something is written whenever a read finds it empty."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell closes them")


def run(command: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The end of a command; `shell` are redirections of the shell."""
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m rm_local {command} {shell}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
    )


def saved_crashes(home: Path) -> list[Path]:
    """Reports of unexpected errors."""
    return [*home.rglob("crash-*")]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "shift_jis"])
@pytest.mark.parametrize("command", QUICK)
def test_characters_that_a_stream_lacks_are_replaced(
    command: str, encoding: str, own_home: Path
) -> None:
    """On both streams; all that is written is in the encoding."""
    usual, done = run(command), run(command, PYTHONIOENCODING=encoding)

    assert done.returncode == usual.returncode
    assert len(done.stdout.decode(encoding)) == len(usual.stdout.decode())
    done.stderr.decode(encoding)
    assert b"Traceback" not in done.stderr
    assert saved_crashes(own_home) == []


@pytest.mark.parametrize("errors", ["backslashreplace", "ignore"])
def test_another_replacement_can_be_named(errors: str) -> None:
    """By PYTHONIOENCODING, as with every program in Python."""
    text = run("search add", PYTHONIOENCODING="utf-8").stdout.decode()

    done = run("search add", PYTHONIOENCODING=f"latin-1:{errors}")

    assert done.stdout == text.encode("latin-1", errors)


@pytest.mark.parametrize("command", ["search --json add", "sessions --json", "models list --json"])
def test_json_is_the_same_in_any_encoding(command: str) -> None:
    """It can be read, with every character."""
    first = json.loads(run(command).stdout)

    assert json.loads(run(command, PYTHONIOENCODING="ascii").stdout) == first


def test_output_in_two_bytes_a_character() -> None:
    """UTF-16, with a path that is not Unicode."""
    done = run("models info $(printf '/no\\351.gguf')", PYTHONIOENCODING="utf-16-le")

    assert done.returncode == 3
    assert "does not exist" in done.stderr.decode("utf-16-le")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", COMMANDS)
def test_closed_streams_are_no_error(command: str, closed: str, own_home: Path) -> None:
    """The exit code is the usual one, and nothing is said of it."""
    done = run(command, closed)

    assert done.returncode == COMMANDS[command]
    assert b"Traceback" not in done.stderr
    assert b"AttributeError" not in done.stderr
    assert saved_crashes(own_home) == []


def test_the_app_with_closed_streams_is_refused() -> None:
    """As wrong usage, like any start without a terminal."""
    for closed in ("<&-", ">&-", "<&- >&-"):
        done = run("", closed)

        assert done.returncode == 2
        assert done.stderr.startswith(b"error: The app needs a terminal.\n")


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Nothing that is printed ends up in a store."""
    lines, store = tmp_path / "a.jsonl", tmp_path / "s.rms"
    lines.write_text('{"subproblem": "How to add?", "subroutine": "I should count on."}\n')

    done = run(f"store build {lines} --embedder static --out {store}", "<&- >&- 2>&-")

    assert done.returncode == 0
    assert run(f"store verify --store {store}").returncode == 0


def test_a_child_has_the_streams_that_were_closed() -> None:
    """A process that a command starts gets all three, on the null device."""
    child = "import os; [os.fstat(number) for number in range(3)]"
    parent = (
        "import subprocess, sys; from rm_local.cli.streams import replace_standard_streams; "
        "replace_standard_streams(); sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    )

    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", parent, child],
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0


@pytest.mark.skipif(not FULL.exists(), reason="no such device")
@pytest.mark.parametrize("command", [*COMMANDS][:-1])
def test_a_full_device_is_one_message(command: str, own_home: Path) -> None:
    """Exit code 1, the fact and what to do."""
    done = run(command, "> /dev/full")

    if command == "sessions":  # prints nothing there yet
        assert done.returncode == 0
        return
    assert done.returncode == 1
    assert b"error: Standard output cannot be written: No space left on device.\n" in done.stderr
    assert done.stderr.count(b"error:") == 1
    assert b"Traceback" not in done.stderr
    assert saved_crashes(own_home) == []


@pytest.mark.skipif(not FULL.exists(), reason="no such device")
@pytest.mark.parametrize("command", ["ask --plan direct 3+4", "store export"])
def test_a_full_device_for_the_narration_stops_nothing(command: str) -> None:
    """The output is complete."""
    assert run(command, "2> /dev/full").stdout == run(command).stdout


@pytest.mark.parametrize("command", ["ask --plan direct --json 3+4", "store export"])
@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_leaves_ends_the_command_quietly(
    command: str, both: bool, own_home: Path
) -> None:
    """Exit code 1, no message; also if steps and answer go to one pipe."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rm_local", *command.split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    said = process.stderr.read() if process.stderr else b""
    if process.stderr:
        process.stderr.close()

    assert process.wait() == 1
    assert b"Traceback" not in said
    assert b"error" not in said
    assert saved_crashes(own_home) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of a chosen size")
def test_a_slow_reader_of_a_pipe_that_never_waits_gets_everything() -> None:
    """Another program may have made the pipe non-blocking."""
    import fcntl

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    command = [sys.executable, "-m", "rm_local", "store", "export"]
    with subprocess.Popen(command, cwd=ROOT, stdout=writer, stderr=subprocess.DEVNULL) as process:
        os.close(writer)
        with open(reader, "rb") as file:
            lines = file.readlines()

    assert process.returncode == 0
    assert len(lines) == 188


@pytest.mark.parametrize(
    ("command", "parts", "words"),
    [
        ("ask -q -", [b"What is 3", b" + 4?"], b"none.gguf"),
        ("ask -q --json-schema - hello", [b'{"type":', b' "integer"}'], b"none.gguf"),
        (
            "store import - --json",
            [b'{"subproblem": "How?",', b' "subroutine": "I do."}'],
            b"added",
        ),
        ("store import - --json", [b'{"subproblem": "How?",', b' "subroutine":'], b"line 1"),
    ],
)
def test_a_slow_writer_of_a_pipe_that_never_waits_is_waited_for(
    command: str, parts: list[bytes], words: bytes, own_home: Path
) -> None:
    """A moment without data is not the end of the input."""
    program = SLOW_WRITER.format(parts=parts, command=command.split())
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, input=b""
    )

    assert words in done.stdout + done.stderr
    assert b"empty" not in done.stderr
    assert saved_crashes(own_home) == []


@pytest.mark.parametrize("shell", ["2>&1", ">{} 2>&1"])
def test_the_steps_begin_on_a_line_of_their_own(shell: str, tmp_path: Path) -> None:
    """With both streams in one pipe or file, an answer that is streamed is a line, too."""
    file = tmp_path / "both.txt"
    done = run("ask --plan direct 3+4", shell.format(file))
    lines = (done.stdout.decode() + (file.read_text() if file.exists() else "")).splitlines()

    steps = ("Session", "Read", "Reason", "Context", "Answer ")
    assert [line for line in lines if not line.startswith(steps)] == ["Answer: 7"]
    assert "Reason" in " ".join(line.split()[0] for line in lines)
