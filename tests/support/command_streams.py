"""Standard streams of one call of a command: open, closed, full, and in several encodings."""

from __future__ import annotations

import io
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.command_values import Invocation, Stream

LONGEST_S = 20.0
"""Time limit of one call, far above what any needs; it is what a hang runs into."""


class HungError(BaseException):
    """A call took longer than LONGEST_S."""


def _interrupt(*_: object) -> None:
    raise HungError


class CommandStreams:
    """Streams of one call, in files of the folder `root`, with what was written to them."""

    def __init__(self, root: Path, invocation: Invocation) -> None:
        self._stdin = invocation.stdin
        self._input = root / "in"
        self._out = _make_output(root / "out", invocation.stdout, "strict")
        self._err = _make_output(root / "err", invocation.stderr, "backslashreplace")

    def call(self, arguments: list[str]) -> object:
        """Call the program in this process; return its exit code."""
        from rm_local.cli.main import main

        before = sys.stdin, sys.stdout, sys.stderr, sys.argv
        sys.stdin = _make_input(self._input, self._stdin)  # type: ignore[assignment]
        sys.stdout, sys.stderr = self._out, self._err  # type: ignore[assignment]
        sys.argv = ["rm-local", *arguments]
        handlers = {each: signal.getsignal(each) for each in _SIGNALS}
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        try:
            main()
            return 0
        except SystemExit as end:
            return end.code or 0
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for each, handler in handlers.items():
                signal.signal(each, handler)
            for stream in (sys.stdin, sys.stdout, sys.stderr, self._out, self._err):
                with suppress(OSError, ValueError):
                    stream and stream.close()
            sys.stdin, sys.stdout, sys.stderr, sys.argv = before

    def read_errors(self) -> str:
        """What was written to standard error; empty if that was closed or full."""
        if self._err is None or self._err.name == "/dev/full":
            return ""
        return Path(str(self._err.name)).read_text(self._err.encoding, "replace")


_SIGNALS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _make_output(path: Path, kind: Stream, errors: str) -> io.TextIOWrapper | None:
    if kind == "closed":
        return None
    name = "/dev/full" if kind == "full" else str(path)
    encoding = kind if kind in ("ascii", "cp1252") else "utf-8"
    return open(name, "w", encoding=encoding, errors=errors)


def _make_input(path: Path, content: bytes | None) -> io.TextIOWrapper | None:
    if content is None:
        return None
    path.write_bytes(content)
    return path.open(encoding="utf-8", errors="surrogateescape")
