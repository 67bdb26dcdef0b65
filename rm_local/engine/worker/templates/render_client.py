"""The process that renders chat templates, as the worker sees it: asked, waited for, killed."""

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

from rm_local.engine.worker.templates.render_protocol import SECONDS, Job, Rendered
from rm_local.errors import EngineError, Stopped

_WAIT = 60.0 if hasattr(signal, "setitimer") else SECONDS
"""Seconds that the process gets to answer; mostly its own limit of computing ends it before, which
does not blame a template for a machine that is busy."""
_START = 60.0
"""Seconds that the process gets to start."""
_LOOK = 0.05


class Renders(Protocol):
    """Renders jobs: `Renderer`, or `sandbox.render` in its place."""

    def __call__(self, job: Job, /) -> Rendered: ...


class Renderer:
    """Starts the process when it is first needed, and again after it was killed."""

    def __init__(self, cancelled: Callable[[], Any] = lambda: None) -> None:
        """`cancelled` gives what is not None when the request that is served is cancelled."""
        self._cancelled = cancelled
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def start(self) -> None:
        """Let the process start, without waiting for it."""
        if self._process is None:
            command = [
                sys.executable,
                "-P",
                "-m",
                "rm_local.engine.worker.templates.render_process",
            ]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._ready = False

    def __call__(self, job: Job, /) -> Rendered:
        """The rendered template, or what is wrong with it. Stopped when cancelled; EngineError
        when the process does not start."""
        self.start()
        assert self._process
        if not self._ready:
            if self._answer(self._process, b"", _START) is None:
                raise EngineError(
                    "The process that renders chat templates does not start.",
                    "The worker's log says why; `rm-local doctor` checks what is installed.",
                )
            self._ready = True
        process, began = self._process, time.monotonic()
        reply = self._answer(process, json.dumps(job).encode() + b"\n", _WAIT)
        if reply is not None:
            return reply
        computed = hasattr(signal, "SIGPROF") and process.returncode == -signal.SIGPROF
        if computed or time.monotonic() - began >= _WAIT:
            return {"fault": f"does not come to an end within {SECONDS:.0f} s", "line": 0}
        return {"fault": "ends the process that renders it, as by using all memory", "line": 0}

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process and process.stdin and process.stdout:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _answer(
        self, process: subprocess.Popen[bytes], line: bytes, seconds: float
    ) -> Rendered | None:
        """The process's next line, after it was sent one. None when it had to be ended."""
        assert process.stdin
        assert process.stdout
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(process, done, seconds), daemon=True)
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
            reply: Rendered = json.loads(answer)
            return reply
        self.close()
        if self._cancelled() is not None:
            raise Stopped("Reading the question was stopped.")
        return None

    def _watch(
        self, process: subprocess.Popen[bytes], done: threading.Event, seconds: float
    ) -> None:
        """Kill the process when its time is over, or when nobody waits for it any more."""
        until = time.monotonic() + seconds
        while not done.wait(_LOOK):
            if time.monotonic() > until or self._cancelled() is not None:
                process.kill()
                return
