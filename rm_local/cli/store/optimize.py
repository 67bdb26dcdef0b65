"""`rm-local store optimize`: maintains a store after additions and deletions."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local import limits
from rm_local.cli.context import STORE_TO_CHANGE, CliContext
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import JSON, FiniteRange
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import resolve_store_to_change
from rm_local.progress import Progress

if TYPE_CHECKING:
    from rm_local.store import MaintenanceResult


@click.command(context_settings=build_old_options_context_settings("store optimize"))
@click.option(
    "--max-seconds",
    "seconds",
    type=FiniteRange(0, limits.MOST_SECONDS, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Approximate time limit.",
)
@JSON
@STORE_TO_CHANGE
@click.pass_obj
def optimize(context: CliContext, seconds: float, as_data: bool, stores: tuple[Path, ...]) -> None:
    """Maintain a store after additions and deletions, so that searches stay fast.

    Assigns added entries to clusters and packs them into blocks, creates the first clusters of a
    store that has become large, splits clusters that are too large, purges deleted entries, and
    compresses texts better. Search results do not change. It can be stopped at any time, and
    continues with the next run; other programs may use the store meanwhile.
    """
    from rm_local.store import Maintainer

    path = resolve_store_to_change(context, stores)
    with open_progress_printer() as printer:

        def print_remaining(progress: Progress) -> None:
            if progress.total:
                printer(progress)

        report = Maintainer(path).run_tasks(seconds, print_remaining)
    click.echo(
        json.dumps(asdict(report)) if as_data else "\n".join(format_maintenance_result(report))
    )


def format_maintenance_result(report: MaintenanceResult) -> list[str]:
    """Format as lines what maintenance has done and what is left to do."""
    lines = [f"done  {count:>12,} {what}" for what, count in report.done.items()]
    lines += [f"left  {count:>12,} {what}" for what, count in report.left.items() if count]
    lines += [f"free  {report.empty_bytes:>12,} bytes in the file, for new entries"]
    if report.busy:
        lines.append("Stopped early: another program is using the store. Try again later.")
    if report.needs_build:
        lines.append("The store is too large to create its first clusters. Build it again.")
    return lines
