"""`rm-local store optimize`: keep a store in shape."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, Opening
from rm_local.cli.old_options import accept_old_options
from rm_local.cli.options import JSON, FiniteRange
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import store_path
from rm_local.progress import Progress

if TYPE_CHECKING:
    from rm_local.store import MaintenanceResult


@click.command(context_settings=accept_old_options("store optimize"))
@click.option(
    "--max-seconds",
    "seconds",
    type=FiniteRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time that it takes at most, about.",
)
@JSON
@STORE
@click.pass_obj
def optimize(opening: Opening, seconds: float, as_data: bool, store: Path | None) -> None:
    """Keep a store in shape: what was added lately, what has grown large, what was deleted.

    Gives entries added one by one their clusters and packs them into blocks, gives a store that
    has grown large its first clusters and parts those that are too large, clears deleted entries
    out of the way of searches, packs texts tighter. Answers stay the same. It can be stopped at any
    moment, and goes on the next time; other programs may use the store meanwhile.
    """
    from rm_local.store import Maintainer

    with print_progress() as printer:

        def print_what_is_left(progress: Progress) -> None:
            if progress.total:
                printer(progress)

        report = Maintainer(store_path(opening, store)).work(seconds, print_what_is_left)
    click.echo(json.dumps(asdict(report)) if as_data else "\n".join(format_report(report)))


def format_report(report: MaintenanceResult) -> list[str]:
    """The lines that a person reads."""
    lines = [f"done  {count:>12,} {what}" for what, count in report.done.items()]
    lines += [f"left  {count:>12,} {what}" for what, count in report.left.items() if count]
    lines += [f"free  {report.empty_bytes:>12,} bytes in the file, for entries to come"]
    if report.busy:
        lines.append("Stopped early: another program is at work on the store. Try again later.")
    if report.needs_build:
        lines.append("The store is too large to be given its first clusters: build it again.")
    return lines
