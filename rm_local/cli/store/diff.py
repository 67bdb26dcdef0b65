"""`rm-local store diff`: lists the entries in which two stores differ."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.options import JSON, PATH
from rm_local.cli.progress import open_progress_printer

if TYPE_CHECKING:
    from rm_local.store import DiffSide, StoreDiff


@click.command()
@click.argument("one", type=PATH, metavar="A")
@click.argument("other", type=PATH, metavar="B")
@click.option(
    "-n",
    "--examples",
    type=click.IntRange(0, 10_000),
    default=5,
    show_default=True,
    help="Most entries shown of each store.",
)
@JSON
@click.pass_context
def diff(ctx: click.Context, one: Path, other: Path, examples: int, as_data: bool) -> None:
    """Show the entries of store A that are not in B, and the entries of B that are not in A.

    Entries are the same if their texts, domain, source, level and provenance are; ids and vectors
    are not compared. Exit code 1 if the stores differ.
    """
    from rm_local.store import StoreEntrySource, diff_stores

    with (
        StoreEntrySource.open(one) as first,
        StoreEntrySource.open(other) as second,
        open_progress_printer() as report,
    ):
        found = diff_stores(first, second, examples, report)
    click.echo(json.dumps(_diff_as_json(found)) if as_data else "\n".join(_format_diff(found)))
    ctx.exit(0 if found.is_equal else 1)


def _diff_as_json(found: StoreDiff) -> dict[str, object]:
    """Convert the differences of two stores to the JSON object that the command prints."""
    sides = ({**asdict(side), "path": str(side.path)} for side in (found.one, found.other))
    return {"equal": found.is_equal, "both": found.entries_in_both, "stores": list(sides)}


def _format_diff(found: StoreDiff) -> list[str]:
    """Format the differences of two stores as lines."""
    lines = [f"{found.entries_in_both:,} entries are in both."]
    for side in (found.one, found.other):
        lines += [
            f"{side.only:,} of {side.entries:,} are only in {side.path}.",
            *_format_examples(side),
        ]
    return lines


def _format_examples(side: DiffSide) -> list[str]:
    """Format the examples of entries that only one store has, one line for each."""
    from rm_local.text import one_line

    return [
        f"  entry {each.id}  {one_line(each.subproblem, 90)}  {one_line(each.domain)}"
        for each in side.examples
    ]
