"""Commands under limits of the system (`ulimit`), each as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.functional.test_cli_bad_input import ROOT
from tests.support.watchdog import HANG_SECONDS

COMMANDS = (
    "ask --plan direct --model rm-nano hi",
    "search fractions",
    "models list",
    "store info",
    "sessions list",
    "doctor",
)
EXIT_CODES = {0, 1, 2, 3, 4}
MEGABYTES = (40, 46, 90, 130, 200)
"""Too little for numpy, for a thread, for OpenBLAS, for its buffers, for the worker."""
FILES = (8, 11, 20)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")


def run_limited(limit: str, command: str) -> subprocess.CompletedProcess[str]:
    """`rm-local` under a limit, with an empty standard input."""
    line = f'ulimit {limit}; exec "$0" -m rm_local {command}'
    return subprocess.run(
        ["sh", "-c", line, sys.executable],
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=HANG_SECONDS,
    )


def ended_in_order(done: subprocess.CompletedProcess[str]) -> None:
    """A result, or one message of rm-local's own; in any case nothing of Python or a library."""
    assert done.returncode in EXIT_CODES, done.stderr
    for sign in ("Traceback", "bug in rm-local", "OpenBLAS", "never retrieved", "No handlers"):
        assert sign not in done.stderr
    assert done.stderr.count("error:") == (done.returncode > 1), done.stderr


@pytest.mark.parametrize(("megabytes", "command"), product(MEGABYTES, COMMANDS))
def test_little_memory_is_a_message_or_enough(megabytes: int, command: str) -> None:
    """Whatever part of the program it is too little for, and no command waits forever."""
    ended_in_order(run_limited(f"-v {megabytes * 1000}", command))


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[1], COMMANDS[3]])
def test_too_little_memory_says_so(command: str) -> None:
    """In the first words, with exit code 3."""
    done = run_limited("-v 90000", command)
    assert done.returncode == 3
    assert "There is not enough memory." in done.stderr


@pytest.mark.parametrize(("files", "command"), product(FILES, COMMANDS))
def test_few_open_files_are_a_message_or_enough(files: int, command: str) -> None:
    """`doctor` names what fails; the others name the limit."""
    done = run_limited(f"-n {files}", command)
    if done.returncode == 1 and command != "doctor":
        assert "ulimit -n" in done.stderr
        assert done.stderr.count("error:") == 1
    else:
        ended_in_order(done)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_can_grow(command: str) -> None:
    """Answers do not need files: what cannot be saved is a warning."""
    assert run_limited("-f 0", command).returncode == 0


def test_a_warning_of_a_library_is_not_shown(tmp_path: Path) -> None:
    """Except where Python is asked to show warnings."""
    script = tmp_path / "warn.py"
    script.write_text(
        "import logging, sys, warnings\n"
        "from rm_local.cli import main\n"
        "def run(**_):\n"
        "    main.silence_loggers_without_handlers()\n"
        "    warnings.warn('from a library')\n"
        "    logging.getLogger('library').warning('from a logger')\n"
        "main.cli = run\n"
        "main.main()\n"
    )
    silent = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, check=True)
    asked = [sys.executable, "-W", "default", str(script)]
    shown = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True)
    assert silent.stderr == b""
    assert b"from a library" in shown.stderr
