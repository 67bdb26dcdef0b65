"""`rm-local store verify`: checks a store for damage, and repairs it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from rm_local.cli.context import STORE
from rm_local.cli.options import JSON
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import require_named_store_path, resolve_store_path


@click.command("verify")
@click.option("--repair", is_flag=True, help="Repair the damage as far as possible.")
@JSON
@STORE
@click.pass_context
def verify_store(ctx: click.Context, repair: bool, as_data: bool, store: Path | None) -> None:
    """Read the whole store and report any damage; exit code 4 if it is damaged.

    With --repair a damaged store is rebuilt from its readable parts, and the damaged file is kept
    next to it as FILE.damaged. Entries keep their ids. Word index, usage counts, vector bits and
    centroids are rebuilt; an entry whose text or vector is lost is left out and reported. A store
    without damage does not change. The disk must have room for a second store. The damaged store
    does not change until the end of the repair. Exit code 0 if the store is intact afterwards, 4 if
    it cannot be repaired.
    """
    if repair:
        _repair_and_report_store(require_named_store_path(ctx.obj, store), as_data)
        return
    from rm_local.store import Store
    from rm_local.text import one_line

    path = resolve_store_path(ctx.obj, store)
    with Store.open(path) as opened, print_progress() as report:
        found, entries = opened.verify(report), opened.count_entries()
    if as_data:
        click.echo(json.dumps({"ok": not found, "entries": entries, "faults": found}))
    else:
        click.echo("\n".join(map(one_line, found)) or _format_intact(path, entries))
    if found:
        click.echo("To repair what can be repaired: rm-local store verify --repair", err=True)
    ctx.exit(4 if found else 0)


def _repair_and_report_store(path: Path, as_data: bool) -> None:
    """Repair a store if it is damaged, and print the result: as lines, or as a JSON object."""
    from rm_local.store import Store, repair_store
    from rm_local.text import one_line

    with print_progress() as report:
        repaired = repair_store(path, report)
    if repaired:
        result = {**asdict(repaired), "aside": str(repaired.aside), "repaired": True}
        lines = [
            *(f"found   {one_line(each)}" for each in repaired.found),
            *(f"fixed   {one_line(each)}" for each in repaired.mended),
            *(f"lost    {one_line(each)}" for each in repaired.lost or ["Nothing."]),
            f"{path}: {repaired.entries:,} entries, intact. The damaged file is "
            f"now {repaired.aside}.",
        ]
    else:
        with Store.open(path) as opened:
            entries = opened.count_entries()
        result = {"repaired": False, "entries": entries}
        lines = [_format_intact(path, entries)]
    click.echo(json.dumps({"ok": True, **result}) if as_data else "\n".join(lines))


def _format_intact(path: Path, entries: int) -> str:
    """Format the line that says that a store has no damage."""
    return f"{path}: {entries:,} entries, intact."
