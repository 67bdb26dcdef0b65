"""Why a worker process ended, in words."""

from __future__ import annotations

import re
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
_ASSERTED = re.compile(r"GGML_ASSERT\(.*|GGML_ABORT.*")
_NO_MEMORY = re.compile(
    r"bad_alloc|cannot allocate|out of memory|memory allocation|mem_buffer != NULL", re.IGNORECASE
)
_STACKS = "Fatal Python error:"
"""What faulthandler begins with."""
_TAIL = 65536
_AGAIN = "Ask again: a new one is started. "
DOCTOR = "Run `rm-local doctor`; it names what is wrong and what to install."


def describe(code: int, told: str = "") -> str:
    """An exit status in words; negative = the number of the signal that ended the process.

    `told` is what the log says of it, which knows more than a signal.
    """
    if code >= 0:
        return f"it ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code} ended it"
    if name == "SIGABRT" and _NO_MEMORY.search(told):
        return f"llama.cpp ran out of memory ({name})"
    if name == "SIGABRT" and _ASSERTED.search(told):
        return f"llama.cpp met with what it does not expect ({name})"
    return f"{_CAUSES.get(name, 'a signal ended it')} ({name})"


def died(code: int, log: Path | None, since: int) -> WorkerDied:
    """The error for a worker that ended while it was in use; the log is read from byte `since`.

    `log`: None when there is no log.
    """
    told = _told(code, log, since)
    return WorkerDied(
        f"The model's process is gone: {describe(code, told)}.",
        f"{_AGAIN}{_where(log, told)}".strip(),
    )


def in_loading(error: WorkerDied, path: Path) -> WorkerDied:
    """The error for a worker that ended while it loaded the file at `path`."""
    return WorkerDied(
        f"{path} could not be loaded. {error.message}",
        "If it happens again, set a smaller `context` or fewer `gpu_layers`, or choose another "
        f"model: this file is damaged, or needs more than there is. "
        f"{error.remedy.removeprefix(_AGAIN)}",
    )


def stillborn(code: int, log: Path | None, since: int) -> EngineError:
    """The error for a worker that ended before it was ready."""
    told = _told(code, log, since)
    return EngineError(
        f"The model's process does not start: {describe(code, told)}.",
        f"{DOCTOR} {_where(log, told)}".strip(),
    )


def _told(code: int, log: Path | None, since: int) -> str:
    """The line of the log, from byte `since` on, that tells most: why llama.cpp gave up, or else
    the last before Python's stacks. Empty when there is none."""
    if log is None:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line for each in text.partition(_STACKS)[0].split("\n") if (line := each.strip())]
    telling = [line for line in lines if _NO_MEMORY.search(line) or _ASSERTED.search(line)]
    told = telling if telling and code == -signal.SIGABRT else lines
    asserted = _ASSERTED.search(told[-1]) if told else None
    return asserted[0] if asserted else "".join(told[-1:])


def _where(log: Path | None, told: str) -> str:
    """Where the log is and its most telling line; empty when there is no log."""
    if log is None:
        return ""
    return f"Its log is {log}" + (f'; it says "{told[:200]}".' if told else ".")
