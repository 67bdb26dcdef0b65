"""`rm-local` as a process on a terminal of its own: what it draws, and what it leaves on."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.watchdog import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
MODES = {
    "alternate screen": b"1049",
    "mouse clicks": b"1000",
    "mouse moves": b"1003",
    "bracketed paste": b"2004",
    "focus": b"1004",
}


class Terminal:
    """The other end of the terminal of a running process."""

    def __init__(self, process: subprocess.Popen[bytes], leader: int, follower: int) -> None:
        self.process = process
        self.output = b""
        self._leader = leader
        self._follower = follower

    def read_until(self, wanted: bytes | Callable[[], bool], since: int = 0) -> bytes:
        """Read until the output from `since` on holds a text, or something else is true."""
        end = time.monotonic() + HANG_SECONDS
        while time.monotonic() < end:
            done = wanted in self.output[since:] if isinstance(wanted, bytes) else wanted()
            if done:
                return self.output[since:]
            self._read_some()
        raise AssertionError(f"{wanted!r} did not come: {self.output[-2000:]!r}")

    def type(self, keys: bytes) -> None:
        """Type on the keyboard of the terminal."""
        os.write(self._leader, keys)

    def wait(self) -> int:
        """Read until the process ends; return its exit code."""
        self.read_until(lambda: self.process.poll() is not None)
        while self._read_some():
            pass
        return self.process.returncode

    def left_on(self) -> list[str]:
        """What the process has switched on and not off again."""
        found = [name for name, code in MODES.items() if self._is_on(code)]
        if self.output.rfind(b"\x1b[?25l") > self.output.rfind(b"\x1b[?25h"):
            found.append("hidden cursor")
        flags = termios.tcgetattr(self._follower)[3]
        return found + ["no echo"] * (not flags & termios.ECHO)

    def _is_on(self, code: bytes) -> bool:
        return self.output.rfind(b"\x1b[?%bh" % code) > self.output.rfind(b"\x1b[?%bl" % code)

    def _read_some(self) -> bytes:
        if not select.select([self._leader], [], [], 0.05)[0]:
            return b""
        try:
            data = os.read(self._leader, 1 << 16)
        except OSError:  # nothing has the terminal open any more
            return b""
        self.output += data
        return data


@contextmanager
def start_on_terminal(
    *arguments: str, stderr: IO[bytes] | None = None, **variables: str
) -> Iterator[Terminal]:
    """Start `rm-local` as the leader of a session on a new terminal; end it after the body."""
    command = [sys.executable, "-m", "rm_local", *arguments]
    environ = {**os.environ, "TERM": "xterm-256color", **variables}
    with start_command_on_terminal(command, ROOT, environ, stderr) as terminal:
        yield terminal


@contextmanager
def start_command_on_terminal(
    command: list[str], folder: Path, environ: Mapping[str, str], stderr: IO[bytes] | None = None
) -> Iterator[Terminal]:
    """Start a command in `folder` as `start_on_terminal` does."""
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (30, 100))
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    take += "os.execvp(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", take, *command],
        stdin=follower,
        stdout=follower,
        stderr=stderr or follower,
        cwd=folder,
        env=dict(environ),
        start_new_session=True,
    )
    try:
        yield Terminal(process, leader, follower)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(follower)
