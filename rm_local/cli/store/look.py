"""`rm-local store info | verify`: what a store is, and whether it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.opening import STORE, Opening
from rm_local.cli.store.common import JSON, path_of

if TYPE_CHECKING:
    from rm_local.memory.format import StoreInfo


@click.command()
@JSON
@STORE
@click.pass_obj
def info(opening: Opening, as_data: bool, store: Path | None) -> None:
    """Show what the store says of itself."""
    from rm_local.memory.store import Store

    with Store.open(path_of(opening, store)) as opened:
        found = opened.info()
    if as_data:
        click.echo(json.dumps({**asdict(found), "path": str(found.path)}))
        return
    click.echo("\n".join(told(found)))


def told(info: StoreInfo) -> list[str]:
    """The lines that a person reads."""
    from rm_local.text import one_line

    search = f"asks {info.probes} of {info.clusters:,} clusters, ranks {info.candidates:,} entries"
    return [
        f"{one_line(str(info.path))}",
        f"format      {info.version}, sqlite-vec {one_line(info.sqlite_vec)}",
        f"embedder    {one_line(str(info.embedder))}",
        f"entries     {info.entries:,} in {info.size:,} bytes"
        + (f", {info.size / info.entries:,.0f} an entry" if info.entries else ""),
        f"domains     {one_line(', '.join(info.domains)) or 'none'}",
        f"search      {search if info.clusters else 'compares all entries'}",
    ]


@click.command()
@JSON
@STORE
@click.pass_context
def verify(ctx: click.Context, as_data: bool, store: Path | None) -> None:
    """Read the whole store and name what is damaged; exit code 4 when something is."""
    from rm_local.memory.store import Store
    from rm_local.text import one_line

    path = path_of(ctx.obj, store)
    with Store.open(path) as opened:
        found, entries = opened.verify(), opened.count()
    if as_data:
        click.echo(json.dumps({"ok": not found, "entries": entries, "faults": found}))
    else:
        click.echo("\n".join(map(one_line, found)) or f"{path}: {entries:,} entries, all well.")
    ctx.exit(4 if found else 0)
