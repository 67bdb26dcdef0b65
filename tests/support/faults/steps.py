"""Kill a process after a number of steps of its work, never after a time (Linux, macOS).

Work takes the same steps on every machine, fast or slow, so a kill after step n out of N is in the
middle of it everywhere. A `call` is one call of a function, Python's or C's. A `write` is one half
of what SQLite writes to a file at once, so that a kill between two halves leaves a torn page.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, Literal

import apsw

Kind = Literal["call", "write"]
KINDS: tuple[Kind, ...] = ("call", "write")
Work = Callable[[], object]
_registered: list[apsw.VFS] = []
"""SQLite forgets what nobody holds any more."""


class Counter:
    """Counts steps, and kills this process at step `last`."""

    def __init__(self, last: int | None) -> None:
        self.steps = 0
        self._last = last

    def step(self) -> None:
        """Count one step."""
        self.steps += 1
        if self.steps == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        """Count the calls of a thread, as `sys.setprofile` wants it."""
        if event in ("call", "c_call"):
            self.step()


class _HalvingFile(apsw.VFSFile):
    """A file of SQLite's whose writes are done in two halves, each of them a step."""

    def __init__(self, base: str, name: Any, flags: list[int], counter: Counter) -> None:
        super().__init__(base, name, flags)
        self._counter = counter

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's own name
        middle = len(data) // 2
        self._counter.step()
        super().xWrite(data[:middle], offset)
        self._counter.step()
        super().xWrite(data[middle:], offset + middle)


class _CountingFiles(apsw.VFS):
    """SQLite's files, with their writes counted; the default of this process from now on."""

    def __init__(self, counter: Counter) -> None:
        self._base = apsw.vfs_names()[0]
        self._counter = counter
        super().__init__("counting", self._base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _HalvingFile:  # noqa: N802
        return _HalvingFile(self._base, name, flags, self._counter)


def begin_counting(kind: Kind, last: int | None = None) -> Counter:
    """Count the steps of this process from here on; it is killed at step `last`, if given."""
    counter = Counter(last)
    if kind == "call":
        sys.setprofile(counter.profile)
    else:
        _registered.append(_CountingFiles(counter))
    return counter


def count_steps(kind: Kind, work: Work) -> int:
    """How many steps `work` takes, done in a process of its own."""
    steps = _fork(kind, None, work)
    assert steps is not None, "it was killed, but not by this"
    return steps


def is_killed_at(kind: Kind, step: int, work: Work) -> bool:
    """Whether `work`, done in a process of its own, gets to this step, and is killed there."""
    return _fork(kind, step, work) is None


def _fork(kind: Kind, last: int | None, work: Work) -> int | None:
    """The steps of `work` in a child; None when it was killed. AssertionError when it failed."""
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.close(here)
        _work_and_exit(kind, last, work, there)
    os.close(there)
    with os.fdopen(here) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"signal {os.WTERMSIG(status)}"
        return None
    assert os.WEXITSTATUS(status) == 0, "the work failed; its traceback is on standard error"
    return int(said)


def _work_and_exit(kind: Kind, last: int | None, work: Work, there: int) -> None:
    status = 1
    try:
        counter = begin_counting(kind, last)
        try:
            work()
        finally:
            sys.setprofile(None)
        os.write(there, str(counter.steps).encode())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
