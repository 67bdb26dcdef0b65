"""`rm-local store merge`: merges several stores into one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.options import JSON, OUTPUT, PATH
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import RESUMABLE


@click.command()
@click.argument("stores", nargs=-1, required=True, type=PATH, metavar="STORE...")
@click.option("--out", required=True, type=OUTPUT, help="The new store.")
@JSON
def merge(stores: tuple[Path, ...], out: Path, as_data: bool) -> None:
    """Merge all entries of STOREs into a new store; the STOREs do not change.

    The first of several entries with the same subproblem and subroutine is kept. All stores must
    have been built with the same embedder. To continue a merge that was stopped, run the same
    command again.
    """
    from rm_local.store import Store, merge_stores_and_count_omitted as make

    try:
        with open_progress_printer() as report:
            repeated = make(stores, out, report=report)
    except KeyboardInterrupt:
        click.echo(RESUMABLE, err=True)
        raise
    with Store.open(out) as store:
        entries = store.count_entries()
    merged = {"path": str(out), "entries": entries, "repeated": repeated}
    if as_data:
        click.echo(json.dumps({**merged, "bytes": out.stat().st_size}))
    else:
        click.echo(f"{out}: {entries:,} entries, {repeated:,} repeated ones left out.")
