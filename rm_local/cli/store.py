"""`rm-local store`: what a store is, whether it is whole, and how fast and good its search is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.opening import STORE, Opening

if TYPE_CHECKING:
    from rm_local.memory.format import StoreInfo

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")


@click.group()
def store() -> None:
    """Look at a store, check it, and measure one."""


@store.command()
@JSON
@STORE
@click.pass_obj
def info(opening: Opening, as_data: bool, store: Path | None) -> None:
    """Show what the store says of itself."""
    from rm_local.memory.store import Store

    with Store.open(_path(opening, store)) as opened:
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


@store.command()
@JSON
@STORE
@click.pass_context
def verify(ctx: click.Context, as_data: bool, store: Path | None) -> None:
    """Read the whole store and name what is damaged; exit code 4 when something is."""
    from rm_local.memory.store import Store
    from rm_local.text import one_line

    path = _path(ctx.obj, store)
    with Store.open(path) as opened:
        found, entries = opened.verify(), opened.count()
    if as_data:
        click.echo(json.dumps({"ok": not found, "entries": entries, "faults": found}))
    else:
        click.echo("\n".join(map(one_line, found)) or f"{path}: {entries:,} entries, all well.")
    ctx.exit(4 if found else 0)


@store.command()
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
    from rm_local.memory.bench import bench as measure

    found = measure(folder, rows, seed, effort, report=lambda told: click.echo(told, err=True))
    if as_data:
        click.echo(json.dumps(asdict(found)))
        return
    for name, value in asdict(found).items():
        click.echo(f"{name:<18} {value:>14,}")


def _path(opening: Opening, store: Path | None) -> Path:
    from rm_local import settings

    return opening.over(store=store).settings().store or settings.shipped_store()
