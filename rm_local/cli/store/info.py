"""`rm-local store info`: describes a store."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORES, CliContext
from rm_local.cli.options import JSON
from rm_local.cli.store.common import list_stores_to_read

if TYPE_CHECKING:
    from rm_local.store import StoreInfo


@click.command("info")
@JSON
@STORES
@click.pass_obj
def show_store_info(context: CliContext, as_data: bool, stores: tuple[Path, ...]) -> None:
    """Show format, embedder, entries and search parameters of the stores that are searched."""
    from rm_local.active_stores import name_stores
    from rm_local.store import Store

    paths = list_stores_to_read(context, stores)
    found: list[StoreInfo] = []
    for path in paths:
        with Store.open(path) as opened:
            found.append(opened.read_info())
    if as_data:
        listed = [
            {**asdict(each), "path": str(each.path), "name": name}
            for each, name in zip(found, name_stores(paths), strict=True)
        ]
        click.echo(json.dumps({**listed[0], "stores": listed} if len(listed) > 1 else listed[0]))
        return
    click.echo("\n\n".join("\n".join(format_store_info(each)) for each in found))


def format_store_info(info: StoreInfo) -> list[str]:
    """Format the description of a store as lines."""
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
