"""Builds error messages for a worker process that has ended, from its exit status and its log."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from rm_local.errors import EngineError, WorkerCrashedError, make_memory_error

_CAUSES = {
    "SIGKILL": "it was killed, perhaps because the machine ran out of memory",
    "SIGILL": "llama.cpp was built for instructions that this processor lacks",
    "SIGABRT": "llama.cpp aborted, perhaps for lack of memory",
    "SIGSEGV": "llama.cpp crashed",
    "SIGBUS": "llama.cpp crashed, perhaps because the model's file changed while it was in use",
    "SIGFPE": "llama.cpp crashed",
    "SIGTERM": "it was terminated by another process",
}
_ASSERTED = re.compile(r"GGML_ASSERT\(.*|GGML_ABORT.*")
_NO_MEMORY = re.compile(
    r"bad_alloc|cannot allocate|out of memory|memory allocation|mem_buffer != NULL"
    r"|^MemoryError|failed to map segment|can't start new thread",
    re.IGNORECASE,
)
_STACKS = "Fatal Python error:"
"""Text in the log at which Python's stack traces (of faulthandler) begin."""
_TAIL = 65536
"""Number of bytes at the end of the log that are searched for a cause."""
_ASK_AGAIN = "Ask again: a new one is started. "
DOCTOR = "Run `rm-local doctor`; it names what is wrong and what to install."


def describe_exit(code: int, cause: str = "") -> str:
    """Describe in a few words why a process ended, by its exit status; -N = signal N ended it.

    `cause` is the last error in the log; after SIGABRT or an exit status it separates a lack of
    memory and a failed assertion from other causes.
    """
    if code > 0 and _NO_MEMORY.search(cause):
        return f"it ran out of memory (status {code})"
    if code >= 0:
        return f"it ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code} ended it"
    if name == "SIGABRT" and _NO_MEMORY.search(cause):
        return f"llama.cpp ran out of memory ({name})"
    if name == "SIGABRT" and _ASSERTED.search(cause):
        return f"llama.cpp failed an internal assertion ({name})"
    return f"{_CAUSES.get(name, 'a signal ended it')} ({name})"


def make_crash_error(code: int, log: Path | None, since: int) -> WorkerCrashedError:
    """Build the error for a worker that ended while it was in use.

    `log`: the worker's log, which is read from byte `since` on; None = there is no log.
    """
    cause = _find_cause_line(code, log, since)
    return WorkerCrashedError(
        f"The model's process has ended: {describe_exit(code, cause)}.",
        f"{_ASK_AGAIN}{_describe_log(log, cause)}".strip(),
    )


def make_load_crash_error(error: WorkerCrashedError, path: Path) -> WorkerCrashedError:
    """Build the error for a worker that ended while it loaded the file at `path`."""
    return WorkerCrashedError(
        f"{path} could not be loaded. {error.message}",
        "If it happens again, set a smaller `context` or fewer `gpu_layers`, or choose another "
        f"model: this file is damaged, or needs more memory than there is. "
        f"{error.remedy.removeprefix(_ASK_AGAIN)}",
    )


def make_start_error(code: int, log: Path | None, since: int) -> EngineError:
    """Build the error for a worker that ended before it was ready; arguments as in
    `make_crash_error`."""
    cause = _find_cause_line(code, log, since)
    remedy = make_memory_error().remedy if _NO_MEMORY.search(cause) else DOCTOR
    return EngineError(
        f"The model's process does not start: {describe_exit(code, cause)}.",
        f"{remedy} {_describe_log(log, cause)}".strip(),
    )


def _find_cause_line(code: int, log: Path | None, since: int) -> str:
    """Find the line of the log that explains the end of the worker; empty if there is no line.

    After SIGABRT or an exit code it is llama.cpp's last message about memory or an assertion, if
    there is one; otherwise it is the last line before Python's stack traces.
    """
    if log is None:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line for each in text.partition(_STACKS)[0].split("\n") if (line := each.strip())]
    explaining = [line for line in lines if _NO_MEMORY.search(line) or _ASSERTED.search(line)]
    found = explaining if explaining and (code == -signal.SIGABRT or code > 0) else lines
    asserted = _ASSERTED.search(found[-1]) if found else None
    return asserted[0] if asserted else "".join(found[-1:])


def _describe_log(log: Path | None, cause: str) -> str:
    """Return a sentence with the log's path and its line `cause`; empty if there is no log."""
    if log is None:
        return ""
    return f"Its log is {log}" + (f'; it says "{cause[:200]}".' if cause else ".")
