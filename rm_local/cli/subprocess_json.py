"""Questions put to a process of its own, so that its end is an answer and not a crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

PATIENCE = 60
"""Seconds."""


def ask_child(module: str) -> dict[str, Any] | str:
    """The JSON object that `python -m module` prints, or in words why there is none."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module], capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be asked: {error}"
    if done.returncode:
        return ended(done.returncode, done.stderr.decode(errors="replace"))
    try:
        told = json.loads(done.stdout)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else "gave no answer"


def ended(code: int, errors: str) -> str:
    """A process's end in words: its signal, or the last line that it wrote."""
    if code == -signal.SIGILL:
        return "cannot be loaded: it was built for another processor (illegal instruction)"
    if code < 0:
        return f"cannot be loaded: the process died of {signal.Signals(-code).name}"
    lines = errors.strip().splitlines()
    return f"cannot be loaded: {lines[-1]}" if lines else f"cannot be loaded: exit code {code}"
