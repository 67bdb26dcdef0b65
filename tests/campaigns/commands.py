"""Call every command with odd arguments, environments, settings, files and streams:
`python -m tests.campaigns.commands --times 20000 --seed S [--processes 300] [--only "store import"]`.

The calls run in this process, with a fake engine; `--processes` more run in processes of their own.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
from pathlib import Path

import click
import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.command_runs import LONGEST_S, CommandRunner, Fault, list_commands, peak_memory
from tests.support.command_values import Invocation, invocations


def run_campaign(
    runner: CommandRunner, times: int, seed: int, only: str = ""
) -> dict[str, list[Fault]]:
    """Call each command equally often; return the faults by their kind."""
    faults: dict[str, list[Fault]] = {}
    commands = [each for each in list_commands() if " ".join(each[0]).startswith(only)]
    for number, (path, command) in enumerate(commands):
        count = times // len(commands) + (number < times % len(commands))
        call_command(runner, path, command, count, seed, faults)
    return faults


def call_command(
    runner: CommandRunner,
    path: tuple[str, ...],
    command: click.Command,
    times: int,
    seed: int,
    faults: dict[str, list[Fault]],
) -> None:
    """Call one command `times` times with drawn invocations, and collect the faults by kind."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(invocations(path, command))
    def call(invocation: Invocation) -> None:
        faulthandler.dump_traceback_later(2 * LONGEST_S, exit=True)  # in case no alarm ends it
        if fault := runner.run(path, invocation):
            faults.setdefault(fault.kind, []).append(fault)

    start = time.monotonic()
    while runner.calls[path] < times:
        call()  # Hypothesis ends early where it has nothing new to draw
        seed += 1
    print(f"{' '.join(path):<24} {time.monotonic() - start:7.1f} s", file=sys.stderr)


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
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="commands-") as folder:
        runner = CommandRunner(Path(folder))
        with runner.faked():
            faults = run_campaign(runner, asked.times, asked.seed, asked.only)
    print(format_table(runner))
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(runner.codes.items(), key=str))
    print(f"seed {asked.seed}, {sum(runner.calls.values()):,} calls, exit codes {codes}")
    print(f"{time.monotonic() - start:.0f} s, at most {peak_memory() / 1e6:,.0f} MB")
    for seconds, invocation in sorted(runner.slow, key=lambda each: -each[0])[:5]:
        print(f"{seconds:.1f} s: {invocation}"[:300])
    for kind, found in sorted(faults.items(), key=lambda each: -len(each[1])):
        print(f"\n=== {len(found)} x {kind}\n{found[0].invocation}\n{found[0].details}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
