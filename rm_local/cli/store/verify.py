"""`rm-local store verify`: checks a store for damage, and repairs it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from rm_local.cli.context import STORES
from rm_local.cli.options import JSON
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import list_stores_to_read, resolve_store_to_change
from rm_local.errors import StoreError


@click.command("verify")
@click.option("--repair", is_flag=True, help="Repair the damage as far as possible.")
@JSON
@STORES
@click.pass_context
def verify_store(ctx: click.Context, repair: bool, as_data: bool, stores: tuple[Path, ...]) -> None:
    """Read all of the stores that are searched, and report any damage; then the exit code is 4.

    With --repair a damaged store, by default your own, is rebuilt from its readable parts, and the
    damaged file is kept next to it as FILE.damaged. Entries keep their ids. Word index, usage
    counts, vector bits and centroids are rebuilt; an entry whose text or vector is lost is left out
    and reported. A store without damage does not change. The disk must have room for a second
    store. The damaged store does not change until the end of the repair. Exit code 0 if the store
    is intact afterwards, 4 if it cannot be repaired.
    """
    if repair:
        _repair_if_damaged_and_print_result(resolve_store_to_change(ctx.obj, stores), as_data)
        return
    paths = list_stores_to_read(ctx.obj, stores)
    if len(paths) == 1:
        verified = [_verify_store_or_raise_if_unopenable(paths[0])]
    else:
        verified = [_verify_store_unopenable_as_fault(path) for path in paths]
    found = [fault for each in verified for fault in each.faults]
    if as_data:
        result: dict[str, object] = {"ok": not found}
        result["entries"] = sum(each.entries for each in verified)
        listed = [
            {"path": str(each.path), "entries": each.entries, "faults": each.faults}
            for each in verified
        ]
        result |= {"faults": found} | ({"stores": listed} if len(listed) > 1 else {})
        click.echo(json.dumps(result))
    else:
        click.echo(
            "\n".join(line for each in verified for line in _format_faults_or_intact(each, paths))
        )
    for each in verified:
        if each.remedy:
            click.echo(each.remedy, err=True)
    ctx.exit(4 if found else 0)


@dataclass(frozen=True, slots=True)
class StoreVerification:
    """Result of reading a whole store: its number of entries, and its faults as sentences.

    An intact store has no faults. `remedy` says what to do about them; it is empty without any.
    """

    path: Path
    entries: int
    faults: list[str]
    remedy: str = ""


def _verify_store_or_raise_if_unopenable(path: Path) -> StoreVerification:
    """Read the whole store at `path`; return its number of entries, its faults and their remedy.

    Raises:
        StoreError: It cannot be opened.
    """
    from rm_local.store import Store, format_repair_remedy

    with Store.open(path) as opened, open_progress_printer() as report:
        entries, faults = opened.count_entries(), opened.verify(report)
    return StoreVerification(path, entries, faults, format_repair_remedy(path) if faults else "")


def _verify_store_unopenable_as_fault(path: Path) -> StoreVerification:
    """Read the whole store at `path`; that it cannot be opened counts as a fault."""
    try:
        return _verify_store_or_raise_if_unopenable(path)
    except StoreError as error:
        return StoreVerification(path, 0, [error.message], error.remedy)


def _format_faults_or_intact(verified: StoreVerification, paths: tuple[Path, ...]) -> list[str]:
    """Format the faults of one of the stores `paths` as lines; of an intact one, that it is."""
    from rm_local.text import one_line

    prefix = f"{verified.path}: " if len(paths) > 1 else ""
    lines = [one_line(f"{prefix}{fault}") for fault in verified.faults]
    return lines or [_format_intact(verified.path, verified.entries)]


def _repair_if_damaged_and_print_result(path: Path, as_data: bool) -> None:
    """Repair a store if it is damaged, and print the result: as lines, or as a JSON object."""
    from rm_local.store import Store, repair_store
    from rm_local.text import one_line

    with open_progress_printer() as report:
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
