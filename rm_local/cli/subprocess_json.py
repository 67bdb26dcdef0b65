"""Runs a module in a subprocess, so that its crash is a result and not the end of the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

TIMEOUT_S = 60
"""Time limit for the subprocess, in seconds."""


def run_json_module(module: str) -> dict[str, Any] | str:
    """Run `python -m module`; return the JSON object that it prints, or the failure in words."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module], capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run: {error}"
    if done.returncode:
        return explain_failed_load(done.returncode, done.stderr.decode(errors="replace"))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else "printed no result"


def explain_failed_load(code: int, errors: str) -> str:
    """Describe in words why a process failed, by its exit code and its error output."""
    if code == -signal.SIGILL:
        return "cannot be loaded: it was built for another processor (illegal instruction)"
    if code < 0:
        return f"cannot be loaded: the process died of {signal.Signals(-code).name}"
    lines = errors.strip().splitlines()
    return f"cannot be loaded: {lines[-1]}" if lines else f"cannot be loaded: exit code {code}"
