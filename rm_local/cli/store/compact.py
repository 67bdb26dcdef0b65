"""`rm-local store compact`: rewrites a store without its deleted entries."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.context import STORE_TO_CHANGE, CliContext
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import JSON
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import RESUMABLE, resolve_store_to_change


@click.command(context_settings=build_old_options_context_settings("store compact"))
@click.option(
    "--compression-level",
    "level",
    type=click.IntRange(1, 22),
    default=12,
    show_default=True,
    help="zstandard level of the texts: higher is smaller and slower.",
)
@JSON
@STORE_TO_CHANGE
@click.pass_obj
def compact(context: CliContext, level: int, as_data: bool, stores: tuple[Path, ...]) -> None:
    """Rewrite a store without its deleted entries, clustered for its present size.

    The new store is written next to the old one, which can be read meanwhile but not written to,
    and replaces it at the end; the disk must have room for both. Entries get new ids, which were
    never used before. To continue a compaction that was stopped, run the same command again.
    """
    from rm_local.store import Store, compact_store as make

    path = resolve_store_to_change(context, stores)
    with Store.open(path) as opened:
        before = opened.read_info().size
    try:
        with open_progress_printer() as report:
            make(path, level=level, report=report)
    except KeyboardInterrupt:
        click.echo(RESUMABLE, err=True)
        raise
    with Store.open(path) as opened:
        entries, after = opened.count_entries(), opened.read_info().size
    if as_data:
        sizes = {"path": str(path), "entries": entries, "bytes_before": before, "bytes": after}
        click.echo(json.dumps(sizes))
    else:
        click.echo(f"{path}: {entries:,} entries, {before:,} bytes before, {after:,} now.")
