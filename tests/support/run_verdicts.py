"""Judges a run of a command: its exit code, its message, and what it did to the user's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.command_values import Invocation

EXIT_CODES = {0, 1, 2, 3, 4, 130}
QUIET = {("store", "diff"), ("store", "verify"), ("doctor",)}
"""Commands whose exit code reports a result, without a message of an error."""
CHANGERS = {("store", name) for name in ("import", "compact", "optimize", "verify")}
"""Commands that change a store also if they then fail: what they did by then is kept."""
LONGEST_MESSAGE = 20_000


@dataclass(frozen=True)
class Run:
    """A run of a command, and what came of it."""

    path: tuple[str, ...]
    invocation: Invocation
    code: object
    said: str
    """What it wrote to standard error."""
    crashes: list[str]
    """Its tracebacks."""
    changed: list[str]
    """The user's files that it changed or removed; a folder ends in a slash."""


def find_fault(run: Run) -> str:
    """Return what is wrong with a run, in words; empty if nothing is."""
    if run.crashes:
        return "crash: " + find_place(run.crashes[0])
    if run.code not in EXIT_CODES:
        return f"exit code {run.code}"
    if "Traceback" in run.said or "Exception ignored" in run.said:
        return "traceback"
    if len(run.said) > LONGEST_MESSAGE + max(map(len, [*run.invocation.arguments, ""])):
        return "a message without an end"
    return _judge_message(run) or _judge_changes(run)


def _judge_message(run: Run) -> str:
    """Judge the message of a run that failed: one error, with what to do."""
    if run.code in (0, 130) or run.invocation.stderr not in ("open", "ascii"):
        return ""
    if run.path in QUIET and run.code in (1, 4) and "error: " not in run.said:
        return ""
    if run.said.count("error: ") + run.said.count("Error: ") != 1 and "rror: " not in run.said:
        return "no message"
    last = run.said.rstrip().splitlines()[-1]
    if "Usage:" not in run.said and not last.startswith("  "):
        return f"no remedy: {last[-60:]}"
    return ""


def _judge_changes(run: Run) -> str:
    """Judge the changes of files: only what the arguments name may change, and if it succeeds."""
    named = " ".join(run.invocation.arguments)
    for each in run.changed:
        name = Path(each).name
        if each.endswith("/"):
            return f"lost the folder {name}"
        if run.path in CHANGERS and each.endswith(".rms"):
            continue
        continued = run.path == ("ask",) and "/sessions/" in each  # a turn is added to it
        if continued or name == "config.toml":
            continue
        if name not in named or (run.code != 0 and "--delete" not in named):
            return f"changed {name}, exit code {run.code}"
    return ""


def find_place(trace: str) -> str:
    """The error of a traceback, and the line of rm_local that it came through last."""
    lines = trace.strip().splitlines()
    places = [line.strip() for line in lines if "/rm_local/" in line and line.startswith("  File")]
    place = places[-1].split("/rm_local/")[-1] if places else ""
    return f"{lines[-1][:70]} in {place}"
