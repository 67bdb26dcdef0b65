"""Any call of any command ends with a documented exit code and a message, and loses no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.commands import run_campaign
from tests.support.command_runs import CommandRunner, list_commands

EACH = 12
"""Calls of each command; `python -m tests.campaigns.commands` makes as many as are asked for."""


@pytest.mark.slow
def test_no_call_of_a_command_is_a_fault_of_rm_local(tmp_path: Path) -> None:
    """Odd arguments, environments, settings, files and streams, the same ones in every run."""
    runner = CommandRunner(tmp_path)

    with runner.faked():
        commands = dict(list_commands())
        faults = run_campaign(runner, EACH * len(commands), seed=14)

    assert not faults, "\n\n".join(
        f"{kind}\n{found[0].invocation}\n{found[0].details}" for kind, found in faults.items()
    )
    for path in commands:
        assert runner.calls[path] == EACH
        assert runner.reached[path] >= 0.3 * EACH, path
