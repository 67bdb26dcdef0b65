"""`rm-local doctor`: checks the installation, and names a remedy for each problem."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import MODEL, STORES, CliContext
from rm_local.cli.options import LORA
from rm_local.lora import LoraAdapter

if TYPE_CHECKING:
    from rm_local.cli.checks import CheckResult

COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command()
@click.option("--json", "as_data", is_flag=True, help="One JSON object with all checks.")
@MODEL
@LORA
@STORES
@click.pass_context
def doctor(
    ctx: click.Context,
    as_data: bool,
    model: Path | None,
    lora: tuple[LoraAdapter, ...],
    stores: tuple[Path, ...],
) -> None:
    """Check Python, SQLite, llama.cpp, devices, model, adapters, store, folders and terminal.

    Exit code 1 when something is bad.
    """
    from rm_local.cli.checks import run_checks

    context: CliContext = ctx.obj.with_overrides(model, stores, lora)
    done: list[CheckResult] = []
    for check in run_checks(context.load_settings()):
        done.append(check)
        if not as_data:
            click.echo(format_check(check))
    passed = all(check.level != "bad" for check in done)
    if as_data:
        click.echo(json.dumps({"ok": passed, "checks": [asdict(check) for check in done]}))
    ctx.exit(0 if passed else 1)


def format_check(check: CheckResult) -> str:
    """Format the result of a check as a line, and its remedy, if any, as a second line."""
    from rm_local.text import one_line

    level = click.style(f"{check.level:<4}", fg=COLOURS[check.level])
    line = f"{level}  {check.name:<9}  {one_line(check.found)}"
    return f"{line}\n{'':17}{one_line(check.remedy)}" if check.remedy else line
