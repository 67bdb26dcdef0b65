"""`rm-local store bench`: how fast and good a store's search is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from rm_local.cli.store.common import JSON


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(1000, 100_000_000),
    default=100_000,
    show_default=True,
    help="Made-up entries in it.",
)
@click.option("--effort", type=click.FloatRange(0.1, 8), default=1.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="Folder for the store, which is removed again.  [default: the current one]",
)
@JSON
def bench(rows: int, effort: float, seed: int, folder: Path, as_data: bool) -> None:
    """Build a store of made-up entries and measure its search against an exact one."""
    from rm_local.bench.measure import bench as measure

    found = measure(folder, rows, seed, effort, report=lambda told: click.echo(told, err=True))
    if as_data:
        click.echo(json.dumps(asdict(found)))
        return
    for name, value in asdict(found).items():
        click.echo(f"{name:<18} {value:>14,}")
