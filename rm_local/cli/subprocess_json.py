"""Runs a probe in a subprocess, so that a crash becomes a result."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

TIMEOUT_S = 60
"""Limit for a probe, in seconds."""


def ask_child(module: str) -> dict[str, Any] | str:
    """Run `python -m module`; return the JSON object that it prints, or why it failed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module], capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run: {error}"
    if done.returncode:
        return describe_exit(done.returncode, done.stderr.decode(errors="replace"))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else "printed no result"


def describe_exit(code: int, errors: str) -> str:
    """Describe how a process ended: its signal, or the last line that it wrote."""
    if code == -signal.SIGILL:
        return "cannot be loaded: it was built for another processor (illegal instruction)"
    if code < 0:
        return f"cannot be loaded: the process died of {signal.Signals(-code).name}"
    lines = errors.strip().splitlines()
    return f"cannot be loaded: {lines[-1]}" if lines else f"cannot be loaded: exit code {code}"
