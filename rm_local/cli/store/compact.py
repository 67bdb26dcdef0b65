"""`rm-local store compact`: a store rewritten for its present entries."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.context import STORE, Opening
from rm_local.cli.old_options import accept_old_options
from rm_local.cli.options import JSON
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import GOES_ON, writable_store_path


@click.command(context_settings=accept_old_options("store compact"))
@click.option(
    "--compression-level",
    "level",
    type=click.IntRange(1, 22),
    default=12,
    show_default=True,
    help="zstandard level of the texts: higher is smaller and slower.",
)
@JSON
@STORE
@click.pass_obj
def compact(opening: Opening, level: int, as_data: bool, store: Path | None) -> None:
    """Write a store anew without what was deleted, clustered for its present size.

    The new store grows beside the old one, which can be read meanwhile but not written to, and
    takes its place at the end; there must be room for both. Entries get new ids, none of which
    was ever given. A compaction that was stopped goes on when the same command is given again.
    """
    from rm_local.store import Store, compact_store as make

    path = writable_store_path(opening, store)
    with Store.open(path) as opened:
        before = opened.info().size
    try:
        with print_progress() as report:
            make(path, level=level, report=report)
    except KeyboardInterrupt:
        click.echo(GOES_ON, err=True)
        raise
    with Store.open(path) as opened:
        entries, after = opened.count(), opened.info().size
    if as_data:
        told = {"path": str(path), "entries": entries, "bytes_before": before, "bytes": after}
        click.echo(json.dumps(told))
    else:
        click.echo(f"{path}: {entries:,} entries, {before:,} bytes before, {after:,} now.")
