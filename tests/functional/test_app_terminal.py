"""The app on a real terminal: how it is left when it ends, stops, or cannot be drawn."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.terminals import Terminal, start_on_terminal

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

PROMPT = b"Ask a hard"
DRAWN_FIRST = b"\x1b[?1049h"
REFUSAL = b"The app cannot draw on it. Use the commands."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("moment", [DRAWN_FIRST, PROMPT], ids=["starting", "running"])
def test_a_signal_leaves_a_clean_terminal(number: signal.Signals, moment: bytes) -> None:
    """The exit code is 128 and the signal's number, as a shell reports it."""
    with start_on_terminal() as terminal:
        terminal.read_until(moment)
        terminal.process.send_signal(number)

        assert terminal.wait() == 128 + number
        assert terminal.left_on() == []
        assert b"Traceback" not in terminal.output


def test_a_terminal_that_is_gone_ends_the_app() -> None:
    """The window was closed: nothing is left running, and nothing crashes."""
    with start_on_terminal() as terminal:
        terminal.read_until(PROMPT)
        os.close(terminal._leader)
        os.close(terminal._follower)
        code = terminal.process.wait()
        terminal._leader, terminal._follower = os.openpty()

    assert code == 128 + signal.SIGHUP


@pytest.mark.parametrize("how", ["key", "signal"])
def test_the_app_stops_and_continues(how: str) -> None:
    """It leaves the terminal, takes it again, draws everything, and keeps what was typed.

    A session leader cannot be stopped: nobody could continue it.
    """
    with start_on_terminal() as terminal:
        terminal.read_until(b"188 entries")
        terminal.type(b"apples")
        terminal.read_until(b"apples")
        before = len(terminal.output)
        if how == "key":
            terminal.type(b"\x1a")
        else:
            terminal.process.send_signal(signal.SIGTSTP)

        left = terminal.read_until(b"\x1b[?1049l", before)
        assert b"\x1b[?1000l" in left
        drawn = terminal.read_until(b"188 entries", before)
        assert b"\x1b[?1049h" in drawn
        terminal.read_until(b"apples", before)
        quit_app(terminal)


def test_a_process_stopped_by_force_draws_itself_when_it_continues() -> None:
    """After SIGSTOP it could not leave the terminal; the shell may have changed its modes."""
    with start_on_terminal() as terminal:
        terminal.read_until(b"188 entries")
        before = len(terminal.output)
        terminal.process.send_signal(signal.SIGSTOP)
        terminal.process.send_signal(signal.SIGCONT)

        terminal.read_until(b"188 entries", before)
        quit_app(terminal)


def quit_app(terminal: Terminal) -> None:
    """Quit by the key; the terminal is as it was."""
    terminal.type(b"\x11")
    assert terminal.wait() == 0
    assert terminal.left_on() == []


def test_undo_has_another_key() -> None:
    """Ctrl+_ takes back what was typed."""
    with start_on_terminal() as terminal:
        terminal.read_until(b"188 entries")
        terminal.type(b"apples")
        terminal.read_until(b"apples")
        before = len(terminal.output)
        terminal.type(b"\x1f")

        terminal.read_until(b"reads no earlier ones", before)
        quit_app(terminal)


def test_the_app_draws_when_standard_error_is_a_file(tmp_path: Path) -> None:
    """`rm-local 2>file` is no blank screen, and the file gets nothing of the drawing."""
    errors = tmp_path / "errors"
    with errors.open("wb") as file, start_on_terminal(stderr=file) as terminal:
        terminal.read_until(PROMPT)
        quit_app(terminal)

    assert errors.read_bytes() == b""


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437"])
def test_the_app_draws_in_any_encoding(encoding: str) -> None:
    """Characters that the terminal's encoding lacks are replaced."""
    with start_on_terminal(PYTHONIOENCODING=encoding) as terminal:
        terminal.read_until(PROMPT)
        quit_app(terminal)


@pytest.mark.parametrize("name", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(name: str) -> None:
    """With the doctor's words, as wrong usage, without an escape code."""
    with start_on_terminal(TERM=name) as terminal:
        assert terminal.wait() == 2
        assert REFUSAL in terminal.output
        assert b"\x1b" not in terminal.output
    with start_on_terminal("doctor", TERM=name) as terminal:
        terminal.wait()
        assert REFUSAL in terminal.output
        assert b"\x1b" not in terminal.output


@pytest.mark.parametrize("name", ["xterm", "screen", "not-in-any-list"])
def test_other_terminals_are_drawn_on(name: str) -> None:
    """Also one that the machine has no description of."""
    with start_on_terminal(TERM=name) as terminal:
        terminal.read_until(PROMPT)
        quit_app(terminal)


@pytest.mark.parametrize("name", ["dumb", ""])
def test_ask_writes_plain_text_on_such_a_terminal(name: str) -> None:
    """Steps and answer, no colour, no line drawn over."""
    with start_on_terminal("ask", "What is 3 + 4?", TERM=name) as terminal:
        assert terminal.wait() == 0
        assert b"Answer: 7\r\n" in terminal.output
        assert b"\x1b" not in terminal.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_removes_the_status_line_of_ask(number: signal.Signals) -> None:
    """The next prompt of the shell begins at the line's start."""
    with start_on_terminal("ask", "--temperature", "3", "--samples", "64", "Tell me.") as terminal:
        terminal.read_until(b"branches done")
        terminal.process.send_signal(number)

        assert terminal.wait() == 128 + number
        assert terminal.output.endswith((b"\r\x1b[K", b"\n"))
        assert b"Traceback" not in terminal.output
