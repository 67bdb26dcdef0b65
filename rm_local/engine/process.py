"""Runs the worker as a child process: sends requests, and delivers replies to their senders."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rm_local import errors, paths
from rm_local.engine import exit_reasons, protocol, wire
from rm_local.engine.worker_log import WorkerLog, open_worker_log_or_temporary

_MAX_LINE_BYTES = 2**26
"""Maximum length of one reply, in bytes."""
_CLOSE_TIMEOUT_S = 2.0
"""Seconds to wait for the worker to end before it is killed."""
SPINS = "1000"
"""Iterations of OpenMP's busy waiting before a thread sleeps; GNU's default is 300,000."""

Replies = asyncio.Queue[Any]
"""Queue of the replies to one request; an RmLocalError in it means that the request failed."""


class WorkerProcess:
    """A running worker process: sends requests to it, and sorts its replies by request."""

    def __init__(self, process: asyncio.subprocess.Process, log: WorkerLog) -> None:
        self._process = process
        self._log = log
        self._number = 0
        self._open: dict[int, Replies] = {0: asyncio.Queue()}
        self._end: errors.RmLocalError | None = None
        self._closing = False
        self._reader = asyncio.create_task(self._read_and_queue_replies(), name="engine replies")

    @classmethod
    async def start_worker(
        cls, log_path: Path | None, unlogged: Callable[[OSError], None] = lambda _error: None
    ) -> WorkerProcess:
        """Start a worker process, and wait until it is ready.

        `log_path`: the worker's log file; None = a temporary file. `unlogged` is called with the
        error if the log file cannot be written.

        Raises:
            EngineError: The process ended, or failed to import llama.cpp.
        """
        log = open_worker_log_or_temporary(log_path, unlogged)
        with log.file:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "rm_local.engine.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log.file,
                limit=_MAX_LINE_BYTES,
                env=build_worker_environment(),
                start_new_session=True,
            )
        process = cls(child, log)
        try:
            await process._wait_until_ready()
        except BaseException:
            await process.close()
            raise
        return process

    @property
    def pid(self) -> int:
        """The process id of the worker."""
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """Whether the worker has not ended, and `close` has not been called."""
        return self._end is None and not self._closing

    def send_request(self, request: protocol.Request) -> tuple[int, Replies]:
        """Send a request; return its number and the queue for its replies.

        If the worker has ended, nothing is sent, and the queue contains the error.
        """
        self._number += 1
        answers = self._open[self._number] = asyncio.Queue()
        if self._end:
            answers.put_nowait(self._end)
        self._write_message_if_usable(self._number, request)
        return self._number, answers

    def send_cancel(self, cancel: protocol.Cancel) -> None:
        """Send the message that cancels a request or some of its branches; it gets no reply."""
        self._write_message_if_usable(0, cancel)

    def forget_request(self, number: int) -> None:
        """Drop the queue of a request; further replies to it are ignored."""
        self._open.pop(number, None)

    async def close(self) -> None:
        """End the worker process: close its input, and kill it if it does not end in time.

        A temporary log is deleted, unless the worker had crashed.
        """
        self._closing = True
        if self._process.stdin:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
        await self._reader
        if not isinstance(self._end, errors.WorkerCrashedError):  # its message names the log
            self._log.delete_if_temporary()

    def _write_message_if_usable(self, number: int, message: protocol.Request) -> None:
        if self._process.stdin and self.is_usable:
            self._process.stdin.write(wire.encode_message(number, message))

    async def _wait_until_ready(self) -> None:
        """Wait for the worker's first message.

        Raises:
            EngineError: The worker ended, or cannot import llama.cpp.
        """
        first = await self._open[0].get()
        self.forget_request(0)
        if isinstance(first, errors.WorkerCrashedError):
            code = self._process.returncode or 0
            raise exit_reasons.make_start_error(code, self._log.path, self._log.since)
        if isinstance(first, errors.RmLocalError):
            raise first

    async def _read_and_queue_replies(self) -> None:
        """Put each reply into its request's queue; at the worker's end, put an error into all."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            number, reply = wire.decode_message(line)
            if answers := self._open.get(number):
                answers.put_nowait(
                    _make_reply_error(reply) if isinstance(reply, protocol.ErrorReply) else reply
                )
        code = await self._process.wait()
        self._end = (
            errors.EngineError("The engine was closed.")
            if self._closing
            else exit_reasons.make_crash_error(code, self._log.path, self._log.since)
        )
        for answers in self._open.values():
            answers.put_nowait(self._end)


def build_worker_environment() -> dict[str, str]:
    """Build the worker's environment variables from those of this process.

    PYTHONPATH begins with the folder of this `rm_local`; `-P` excludes the working folder.
    GGML_NO_BACKTRACE stops llama.cpp from starting a debugger when it aborts; that would take
    seconds. GOMP_SPINCOUNT makes waiting threads sleep after some microseconds: on a busy machine
    a busy-waiting thread takes a core from the thread that it waits for.
    """
    home = str(paths.PACKAGE.parent)
    found = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    waiting = {} if "OMP_WAIT_POLICY" in os.environ else {"GOMP_SPINCOUNT": SPINS}
    own = {"PYTHONPATH": os.pathsep.join(found), "GGML_NO_BACKTRACE": "1"}
    return {**waiting, **os.environ, **own}


def _make_reply_error(refused: protocol.ErrorReply) -> errors.RmLocalError:
    """Build the exception that an `ErrorReply` of the worker describes."""
    kind = getattr(errors, refused.error, errors.EngineError)
    error: errors.RmLocalError = kind(refused.message, refused.remedy)
    return error
