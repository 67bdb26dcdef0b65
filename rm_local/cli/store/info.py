"""`rm-local store info`: describes a store."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, CliContext
from rm_local.cli.options import JSON
from rm_local.cli.store.common import resolve_store_path

if TYPE_CHECKING:
    from rm_local.store import StoreInfo


@click.command("info")
@JSON
@STORE
@click.pass_obj
def show_store_info(context: CliContext, as_data: bool, store: Path | None) -> None:
    """Show a store's format, embedder, entries and search parameters."""
    from rm_local.store import Store

    with Store.open(resolve_store_path(context, store)) as opened:
        found = opened.read_info()
    if as_data:
        click.echo(json.dumps({**asdict(found), "path": str(found.path)}))
        return
    click.echo("\n".join(format_store_info(found)))


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
