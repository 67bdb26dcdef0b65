"""`rm-local models catalog`: lists public models, most of which reason well."""

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
    "--memory",
    type=FiniteRange(min=0),
    metavar="GB",
    help="Only models that need at most this much.",
)
@JSON
def catalog(memory: float | None, as_data: bool) -> None:
    """List public models by the memory they need for a context of 16,384 tokens.

    Those that think before they answer gain most from a store; the others are marked "general".

    Opens no connection: the list is shipped, with the date on which it was compiled. Download one
    by its name: `rm-local models pull NAME`.
    """
    from rm_local.library import LARGEST_MEMORY, load_catalog

    known = load_catalog()
    entries = [
        entry for entry in known.entries if memory is None or entry.estimated_memory_gb <= memory
    ]
    if as_data:
        models = [
            {**asdict(entry), "memory": round(entry.estimated_memory_gb, 2)} for entry in entries
        ]
        click.echo(json.dumps({"gathered": known.gathered.isoformat(), "models": models}))
        return
    click.echo(f"Compiled on {known.gathered}; sizes in GB, memory with 16,384 tokens.", err=True)
    for size, group in groupby(entries, key=lambda entry: entry.memory_class):
        above = size == LARGEST_MEMORY
        click.echo(click.style(f"{size} GB and more" if above else f"up to {size} GB", bold=True))
        for entry in group:
            click.echo(_format_entry(entry))


def _format_entry(entry: CatalogEntry) -> str:
    """Format a model of the catalog as two lines: sizes and licence, then what it is good at."""
    sizes = f"{entry.gb:5.1f} file  {entry.estimated_memory_gb:5.1f} memory"
    kind = "" if entry.thinks else "general: "
    return f"  {entry.name:<31} {sizes}  {entry.licence}\n      {kind}{entry.good_at}"
