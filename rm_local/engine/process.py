"""The worker as the app sees it: a child process, requests in, replies out under their numbers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rm_local import errors, paths
from rm_local.engine import exit_reasons, protocol, wire
from rm_local.engine.worker_log import WorkerLog, open_worker_log

_LINE = 2**26
"""Bytes of one reply at most."""
_PATIENCE = 2.0
"""Seconds that a worker gets to end by itself."""
SPINS = "1000"
"""Turns of the loop in which GNU's OpenMP waits before it sleeps; 300,000 by default."""

Replies = asyncio.Queue[Any]
"""Replies to one request; an RmLocalError in place of one is the last."""


class Process:
    """One worker process from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, log: WorkerLog) -> None:
        self._process = process
        self._log = log
        self._number = 0
        self._open: dict[int, Replies] = {0: asyncio.Queue()}
        self._end: errors.RmLocalError | None = None
        self._closing = False
        self._reader = asyncio.create_task(self._read(), name="engine replies")

    @classmethod
    async def start(
        cls, path: Path | None, unlogged: Callable[[OSError], None] = lambda _error: None
    ) -> Process:
        """A worker that is ready. EngineError when it does not get there.

        `path`: its log; `unlogged` is called when that cannot be written.
        """
        log = open_worker_log(path, unlogged)
        with log.file:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "rm_local.engine.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log.file,
                limit=_LINE,
                env=worker_environment(),
                start_new_session=True,
            )
        process = cls(child, log)
        try:
            await process._ready()
        except BaseException:
            await process.close()
            raise
        return process

    @property
    def pid(self) -> int:
        """The process's number in the system."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still takes requests."""
        return self._end is None and not self._closing

    def ask(self, request: protocol.Request) -> tuple[int, Replies]:
        """Send a request: its number, and where the replies to it arrive."""
        self._number += 1
        answers = self._open[self._number] = asyncio.Queue()
        if self._end:
            answers.put_nowait(self._end)
        self._write(self._number, request)
        return self._number, answers

    def cancel(self, cancel: protocol.Cancel) -> None:
        """Send a cancel, which has no reply."""
        self._write(0, cancel)

    def forget(self, number: int) -> None:
        """Pass over further replies to a request."""
        self._open.pop(number, None)

    async def close(self) -> None:
        """End the process: it ends by itself when its input closes, or it is killed."""
        self._closing = True
        if self._process.stdin:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE)
        except TimeoutError:
            self._process.kill()
        await self._reader
        if not isinstance(self._end, errors.WorkerDied):  # its message names the log
            self._log.discard()

    def _write(self, number: int, message: protocol.Request) -> None:
        if self._process.stdin and self.alive:
            self._process.stdin.write(wire.encode(number, message))

    async def _ready(self) -> None:
        first = await self._open[0].get()
        self.forget(0)
        if isinstance(first, errors.WorkerDied):
            code = self._process.returncode or 0
            raise exit_reasons.stillborn(code, self._log.path, self._log.since)
        if isinstance(first, errors.RmLocalError):
            raise first

    async def _read(self) -> None:
        """Hand replies on until the worker's end, then the reason for the end to all that wait."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            number, reply = wire.decode(line)
            if answers := self._open.get(number):
                answers.put_nowait(
                    _error(reply) if isinstance(reply, protocol.ErrorReply) else reply
                )
        code = await self._process.wait()
        self._end = (
            errors.EngineError("The engine was closed.")
            if self._closing
            else exit_reasons.died(code, self._log.path, self._log.since)
        )
        for answers in self._open.values():
            answers.put_nowait(self._end)


def worker_environment() -> dict[str, str]:
    """The app's, with the app's own rm_local found first (`-P` keeps the working folder out).

    llama.cpp is not to start a debugger on itself when it gives up: that holds its end, and the
    message, back for seconds. Its threads wait awake for each other for some microseconds only: on
    a busy machine the one that they wait for needs their core.
    """
    home = str(paths.PACKAGE.parent)
    found = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    waiting = {} if "OMP_WAIT_POLICY" in os.environ else {"GOMP_SPINCOUNT": SPINS}
    own = {"PYTHONPATH": os.pathsep.join(found), "GGML_NO_BACKTRACE": "1"}
    return {**waiting, **os.environ, **own}


def _error(refused: protocol.ErrorReply) -> errors.RmLocalError:
    kind = getattr(errors, refused.error, errors.EngineError)
    error: errors.RmLocalError = kind(refused.message, refused.remedy)
    return error
