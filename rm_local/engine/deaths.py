"""Why a worker process ended, in words."""

from __future__ import annotations

import signal
from pathlib import Path

from rm_local.errors import EngineError, WorkerDied

_CAUSES = {
    "SIGKILL": "it was killed, perhaps because the machine ran out of memory",
    "SIGILL": "llama.cpp was built for instructions that this processor lacks",
    "SIGABRT": "llama.cpp gave up, perhaps for lack of memory",
    "SIGSEGV": "llama.cpp crashed",
    "SIGBUS": "llama.cpp crashed, perhaps because the model's file changed while it was in use",
    "SIGFPE": "llama.cpp crashed",
    "SIGTERM": "it was asked to end from outside",
}
_TAIL = 4096
DOCTOR = "Run `rm-local doctor`; it names what is wrong and what to install."


def describe(code: int) -> str:
    """An exit status in words; negative = the number of the signal that ended the process."""
    if code >= 0:
        return f"it ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code} ended it"
    return f"{_CAUSES.get(name, 'a signal ended it')} ({name})"


def died(code: int, log: Path, since: int) -> WorkerDied:
    """The error for a worker that ended while it was in use; the log is read from byte `since`."""
    return WorkerDied(
        f"The model's process is gone: {describe(code)}.",
        f"Ask again: a new one is started. Its log is {log}{_last(log, since)}",
    )


def loading(error: WorkerDied) -> WorkerDied:
    """The error for a worker that ended while it loaded a model."""
    return WorkerDied(
        f"{error.message} It was loading a model.",
        f"Set a smaller `context` or fewer `gpu_layers`, or take a smaller model. {error.remedy}",
    )


def stillborn(code: int, log: Path, since: int) -> EngineError:
    """The error for a worker that ended before it was ready."""
    return EngineError(
        f"The model's process does not start: {describe(code)}.",
        f"{DOCTOR} Its log is {log}{_last(log, since)}",
    )


def _last(log: Path, since: int) -> str:
    """The last line written to the log from byte `since` on, as the end of a sentence."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return "."
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f'; it ends with "{last[:200]}".' if last else "."
