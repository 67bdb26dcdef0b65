"""Renders chat templates in a separate process: starts it, sends jobs to it, and kills it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from rm_local.engine.worker.templates.render_protocol import CPU_SECONDS, RenderJob, RenderReply
from rm_local.errors import CancelledByUserError, EngineError, make_memory_error

_REPLY_SECONDS = 60.0 if hasattr(signal, "setitimer") else CPU_SECONDS
"""Maximum seconds to wait for a rendered template.

Usually the process's limit of CPU time, which does not depend on the machine's load, ends the wait
earlier."""
_START_SECONDS = 60.0
"""Maximum seconds to wait until the process that renders is ready."""
_INTERVAL = 0.05
"""Seconds between two checks whether the process has to be killed."""


class RenderCallback(Protocol):
    """A function that renders a template: a `Renderer`, or `render_process.render` itself."""

    def __call__(self, job: RenderJob, /) -> RenderReply: ...


class Renderer:
    """Renders chat templates in a separate process, which is started when it is needed."""

    def __init__(self, cancelled: Callable[[], Any] = lambda: None) -> None:
        """`cancelled`: returns a value other than None if the current request is cancelled."""
        self._cancelled = cancelled
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def start_process_if_stopped(self) -> None:
        """Start the process that renders, unless it runs; do not wait until it is ready.

        Raises:
            InsufficientMemoryError: The system refuses another process.
        """
        if self._process is None:
            command = [
                sys.executable,
                "-P",
                "-m",
                "rm_local.engine.worker.templates.render_process",
            ]
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            except BlockingIOError as error:  # of `fork`: too many processes
                raise make_memory_error() from error
            self._ready = False

    def __call__(self, job: RenderJob, /) -> RenderReply:
        """Render a template; return its text, or a description of the fault.

        Raises:
            CancelledByUserError: The request was cancelled.
            EngineError: The process does not start.
        """
        self.start_process_if_stopped()
        assert self._process
        if not self._ready:
            if self._exchange_line_or_kill(self._process, b"", _START_SECONDS) is None:
                raise EngineError(
                    "The process that renders chat templates does not start.",
                    "Read the worker's log, or run `rm-local doctor`.",
                )
            self._ready = True
        process, began = self._process, time.monotonic()
        reply = self._exchange_line_or_kill(
            process, json.dumps(job).encode() + b"\n", _REPLY_SECONDS
        )
        if reply is not None:
            return reply
        computed = hasattr(signal, "SIGPROF") and process.returncode == -signal.SIGPROF
        if computed or time.monotonic() - began >= _REPLY_SECONDS:
            return {"fault": f"does not finish within {CPU_SECONDS:.0f} s", "line": 0}
        return {
            "fault": "crashes the process that renders it, for example by using all memory",
            "line": 0,
        }

    def close(self) -> None:
        """Kill the process that renders, if it runs."""
        process, self._process = self._process, None
        if process and process.stdin and process.stdout:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _exchange_line_or_kill(
        self, process: subprocess.Popen[bytes], line: bytes, seconds: float
    ) -> RenderReply | None:
        """Send a line to the process, and return its reply; None if it ended or was killed.

        The process is killed if it does not reply within `seconds`.

        Raises:
            CancelledByUserError: The current request was cancelled.
        """
        assert process.stdin
        assert process.stdout
        done = threading.Event()
        watch = threading.Thread(
            target=self._kill_at_deadline_or_cancel, args=(process, done, seconds), daemon=True
        )
        watch.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            done.set()
            watch.join()
        if answer.endswith(b"\n"):
            reply: RenderReply = json.loads(answer)
            return reply
        self.close()
        if self._cancelled() is not None:
            raise CancelledByUserError("Reading the question was stopped.")
        return None

    def _kill_at_deadline_or_cancel(
        self, process: subprocess.Popen[bytes], done: threading.Event, seconds: float
    ) -> None:
        """Kill the process after `seconds` or if the request is cancelled, unless `done` is set."""
        until = time.monotonic() + seconds
        while not done.wait(_INTERVAL):
            if time.monotonic() > until or self._cancelled() is not None:
                process.kill()
                return
