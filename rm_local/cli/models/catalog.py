"""`rm-local models catalog`: public models that are good to reason with."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from rm_local.cli.options import JSON, FiniteRange

if TYPE_CHECKING:
    from rm_local.library import CatalogEntry


@click.command()
@click.option(
    "--memory", type=FiniteRange(min=0), metavar="GB", help="Only what this much can hold."
)
@JSON
def catalog(memory: float | None, as_data: bool) -> None:
    """List public models that think, by the memory that they need at 16,384 tokens.

    Opens no connection: the list comes along, with the day on which it was gathered. Any of them
    can be fetched by its name: `rm-local models pull NAME`.
    """
    from rm_local.library import LARGEST_MEMORY, load_catalog

    known = load_catalog()
    entries = [entry for entry in known.entries if memory is None or entry.memory <= memory]
    if as_data:
        told = [{**asdict(entry), "memory": round(entry.memory, 2)} for entry in entries]
        click.echo(json.dumps({"gathered": known.gathered.isoformat(), "models": told}))
        return
    click.echo(f"Gathered on {known.gathered}; sizes in GB, memory with 16,384 tokens.", err=True)
    for size, group in groupby(entries, key=lambda entry: entry.memory_class):
        above = size == LARGEST_MEMORY
        click.echo(click.style(f"{size} GB and more" if above else f"up to {size} GB", bold=True))
        for entry in group:
            click.echo(_line(entry))


def _line(entry: CatalogEntry) -> str:
    sizes = f"{entry.gb:5.1f} file  {entry.memory:5.1f} memory"
    return f"  {entry.name:<31} {sizes}  {entry.licence}\n      {entry.good_at}"
