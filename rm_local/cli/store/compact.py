"""`rm-local store merge | compact`: a store made anew from stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, Opening
from rm_local.cli.store.common import JSON, own_path, telling

if TYPE_CHECKING:
    from rm_local.cli.store.progress import Teller
    from rm_local.store.build.source import Report

FILE = click.Path(path_type=Path)
GOES_ON = "Stopped. The same command goes on from here."


@click.command()
@click.argument("stores", nargs=-1, required=True, type=FILE, metavar="STORE...")
@click.option("--out", required=True, type=FILE, help="The new store.")
@JSON
def merge(stores: tuple[Path, ...], out: Path, as_data: bool) -> None:
    """Make one store of all entries of STOREs, which stay as they are.

    Of entries with the same subproblem and subroutine the first is kept. All stores must have
    been made with the same embedder. A merge that was stopped goes on when the same command is
    given again.
    """
    from rm_local.store.rewrite.merge import merge as make
    from rm_local.store.store import Store

    try:
        with telling() as tell:
            repeated = make(stores, out, tell=lambda *n: tell("read", *n), report=_report(tell))
    except KeyboardInterrupt:
        click.echo(GOES_ON, err=True)
        raise
    with Store.open(out) as store:
        entries = store.count()
    told = {"path": str(out), "entries": entries, "repeated": repeated}
    if as_data:
        click.echo(json.dumps({**told, "bytes": out.stat().st_size}))
    else:
        click.echo(f"{out}: {entries:,} entries, {repeated:,} repeated ones left out.")


@click.command()
@click.option(
    "--level",
    type=click.IntRange(1, 22),
    default=12,
    show_default=True,
    help="How hard zstandard tries to make the texts small.",
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
    from rm_local.store.rewrite.compact import compact as make
    from rm_local.store.store import Store

    path = own_path(opening, store)
    with Store.open(path) as opened:
        before = opened.info().size
    try:
        with telling() as tell:
            make(path, level=level, report=_report(tell))
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


def _report(tell: Teller) -> Report:
    return lambda now: tell(now.stage, now.done, now.total, now.seconds_left)
