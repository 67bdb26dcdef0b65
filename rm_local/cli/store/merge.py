"""`rm-local store merge`: one store of several."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.options import JSON, PATH
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import GOES_ON


@click.command()
@click.argument("stores", nargs=-1, required=True, type=PATH, metavar="STORE...")
@click.option("--out", required=True, type=PATH, help="The new store.")
@JSON
def merge(stores: tuple[Path, ...], out: Path, as_data: bool) -> None:
    """Make one store of all entries of STOREs, which stay as they are.

    Of entries with the same subproblem and subroutine the first is kept. All stores must have
    been made with the same embedder. A merge that was stopped goes on when the same command is
    given again.
    """
    from rm_local.store import Store, merge_stores as make

    try:
        with print_progress() as report:
            repeated = make(stores, out, report=report)
    except KeyboardInterrupt:
        click.echo(GOES_ON, err=True)
        raise
    with Store.open(out) as store:
        entries = store.count_entries()
    told = {"path": str(out), "entries": entries, "repeated": repeated}
    if as_data:
        click.echo(json.dumps({**told, "bytes": out.stat().st_size}))
    else:
        click.echo(f"{out}: {entries:,} entries, {repeated:,} repeated ones left out.")
