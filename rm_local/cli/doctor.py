"""`rm-local doctor`: is everything there, and what to do where it is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import MODEL, STORE, Opening
from rm_local.cli.options import LORA
from rm_local.lora import LoraAdapter

if TYPE_CHECKING:
    from rm_local.cli.checks import Check

COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command()
@click.option("--json", "as_data", is_flag=True, help="One JSON object with all checks.")
@MODEL
@LORA
@STORE
@click.pass_context
def doctor(
    ctx: click.Context,
    as_data: bool,
    model: Path | None,
    lora: tuple[LoraAdapter, ...],
    store: Path | None,
) -> None:
    """Check Python, SQLite, llama.cpp, devices, model, adapters, store, folders and terminal.

    Exit code 1 when something is bad.
    """
    from rm_local.cli.checks import every

    opening: Opening = ctx.obj.over(model, store, lora)
    done: list[Check] = []
    for check in every(opening.settings()):
        done.append(check)
        if not as_data:
            click.echo(line(check))
    well = all(check.level != "bad" for check in done)
    if as_data:
        click.echo(json.dumps({"ok": well, "checks": [asdict(check) for check in done]}))
    ctx.exit(0 if well else 1)


def line(check: Check) -> str:
    """The check as a person reads it, what to do below it."""
    from rm_local.text import one_line

    level = click.style(f"{check.level:<4}", fg=COLOURS[check.level])
    told = f"{level}  {check.name:<9}  {one_line(check.found)}"
    return f"{told}\n{'':17}{one_line(check.remedy)}" if check.remedy else told
