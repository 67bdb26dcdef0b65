"""`rm-local store verify`: whether a store is whole, and its repair."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from rm_local.cli.context import STORE
from rm_local.cli.options import JSON
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import store_path, writable_store_path


@click.command()
@click.option("--repair", is_flag=True, help="Mend what is damaged, as far as it can be.")
@JSON
@STORE
@click.pass_context
def verify(ctx: click.Context, repair: bool, as_data: bool, store: Path | None) -> None:
    """Read the whole store and name what is damaged; exit code 4 when something is.

    With --repair a damaged store is written anew from what can be read of it, and the damaged
    file is kept beside it as FILE.damaged. Entries keep their ids. Word index, counts, bits and
    cluster centres are made again; an entry whose text or vector is lost is left out and named.
    A store that is well is left alone. There must be room for a second store. Until the end of
    the repair the damaged store stays as it is. Exit code 0 when the store is well afterwards,
    and 4 when nothing can be done.
    """
    if repair:
        _repair(writable_store_path(ctx.obj, store), as_data)
        return
    from rm_local.store import Store
    from rm_local.text import one_line

    path = store_path(ctx.obj, store)
    with Store.open(path) as opened, print_progress() as report:
        found, entries = opened.verify(report), opened.count_entries()
    if as_data:
        click.echo(json.dumps({"ok": not found, "entries": entries, "faults": found}))
    else:
        click.echo("\n".join(map(one_line, found)) or _all_well(path, entries))
    if found:
        click.echo("To mend what can be mended: rm-local store verify --repair", err=True)
    ctx.exit(4 if found else 0)


def _repair(path: Path, as_data: bool) -> None:
    from rm_local.store import Store, repair_store
    from rm_local.text import one_line

    with print_progress() as report:
        repaired = repair_store(path, report)
    if repaired:
        told = {**asdict(repaired), "aside": str(repaired.aside), "repaired": True}
        lines = [
            *(f"found   {one_line(each)}" for each in repaired.found),
            *(f"mended  {one_line(each)}" for each in repaired.mended),
            *(f"lost    {one_line(each)}" for each in repaired.lost or ["Nothing."]),
            f"{path}: {repaired.entries:,} entries, all well. The damaged file is "
            f"{repaired.aside} now.",
        ]
    else:
        with Store.open(path) as opened:
            entries = opened.count_entries()
        told = {"repaired": False, "entries": entries}
        lines = [_all_well(path, entries)]
    click.echo(json.dumps({"ok": True, **told}) if as_data else "\n".join(lines))


def _all_well(path: Path, entries: int) -> str:
    return f"{path}: {entries:,} entries, all well."
