"""Call every command with odd arguments, environments, settings, files and streams:
`python -m tests.campaigns.commands --times 20000 --seed S [--processes 300] [--only COMMAND]`.

The calls run in this process, with a fake engine. `--processes` more have a process each, and the
real engine.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.support.command_runs import CommandRunner, Fault, list_commands
from tests.support.command_values import Invocation, invocations
from tests.support.watchdog import HANG_SECONDS

REPORT = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
"""Standard output as it is before the first call: a call may close or replace it."""


def run_campaign(
    runner: CommandRunner, times: int, seed: int, only: str = "", *, apart: bool = False
) -> dict[str, list[Fault]]:
    """Call each command equally often; return the faults by their kind.

    `apart`: each call has a process of its own.
    """
    faults: dict[str, list[Fault]] = {}
    commands = [each for each in list_commands() if " ".join(each[0]).startswith(only)]
    for number, (path, command) in enumerate(commands):
        count = times // len(commands) + (number < times % len(commands))
        run = partial(runner.run_process if apart else runner.run, path)
        end = runner.calls[path] + count
        while runner.calls[path] < end:
            call_command(run, invocations(path, command), end - runner.calls[path], seed, faults)
            seed += 1  # Hypothesis ended early, with nothing new to draw
    return faults


def call_command(
    run: Callable[[Invocation], Fault | None],
    drawn: SearchStrategy[Invocation],
    times: int,
    seed: int,
    faults: dict[str, list[Fault]],
) -> None:
    """Call one command at most `times` times with drawn invocations; collect its faults by kind."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn)
    def call(invocation: Invocation) -> None:
        # In case no alarm ends it.
        faulthandler.dump_traceback_later(2 * HANG_SECONDS, exit=True, file=REPORT)
        if fault := run(invocation):
            faults.setdefault(fault.kind, []).append(fault)

    call()
    faulthandler.cancel_dump_traceback_later()


def format_table(runner: CommandRunner) -> str:
    """How often the body of each command was reached."""
    lines = [f"{'command':<24}   calls   body   share"]
    for path, calls in runner.calls.items():
        reached = min(runner.reached[path], calls)
        name = " ".join(path) or "(the app)"
        lines.append(f"{name:<24} {calls:>7} {reached:>6} {reached / calls:>7.0%}")
    return "\n".join(lines)


def main() -> int:
    """Run the campaign as the command line asks; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    report = partial(print, file=REPORT, flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="commands-") as folder:
        runner = CommandRunner(Path(folder))
        with runner.faked():
            faults = run_campaign(runner, asked.times, asked.seed, asked.only)
        report(format_table(runner))
        if asked.processes:
            more = run_campaign(runner, asked.processes, asked.seed, asked.only, apart=True)
            faults |= {f"in a process: {kind}": found for kind, found in more.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(runner.codes.items(), key=str))
    report(f"seed {asked.seed}, {sum(runner.calls.values()):,} calls, exit codes {codes}")
    report(f"{time.monotonic() - start:.0f} s, at most {memory:,.0f} MB")
    for seconds, invocation in sorted(runner.slow, key=lambda each: -each[0])[:5]:
        report(f"{seconds:.1f} s: {invocation}"[:300])
    for kind, found in sorted(faults.items(), key=lambda each: -len(each[1])):
        report(f"\n=== {len(found)} x {kind}\n{found[0].invocation}\n{found[0].details}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
