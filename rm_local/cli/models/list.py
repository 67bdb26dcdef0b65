"""`rm-local models list`: lists all models of this machine, and marks the model in use."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import CliContext
from rm_local.cli.models.common import model_as_json, print_skipped_notes
from rm_local.cli.options import EVERY_KIND, JSON
from rm_local.cli.render import count_cells, pad_to_cells
from rm_local.units import format_bytes, format_parameter_count

if TYPE_CHECKING:
    from rm_local.library import LibraryModel, ModelLibrary

HEAD = ("", "name", "architecture", "parameters", "stored", "size", "context", "thinks", "place")
RIGHT = {3, 5, 6}
"""Indices of the columns that are aligned to the right, since they hold numbers."""


@click.command("list")
@JSON
@EVERY_KIND
@click.pass_obj
def list_command(context: CliContext, as_data: bool, every: bool) -> None:
    """List the models, with `*` before the model in use."""
    from rm_local.library import find_models

    library = find_models(context.load_settings())
    if as_data:
        data = {
            "models": [model_as_json(each) for each in library.models],
            "missing": [asdict(each) for each in library.missing],
            "notes": [*library.notes],
        }
        click.echo(json.dumps(data))
        return
    shown = [listed for listed in library.models if every or listed.model.kind == "text"]
    click.echo("\n".join(format_table([HEAD, *(format_row(listed) for listed in shown)])))
    print_skipped_notes(library.notes)
    for each in library.missing:
        reported = any(each.remedy in text for text in library.notes)
        text = each.message if reported else f"{each.message} {each.remedy}"
        click.echo(f"not available: {each.name}: {text}", err=True)
    if len(shown) < len(library.models):
        click.echo(
            f"not shown: {_format_hidden_counts_by_kind(library)} (--all shows them)", err=True
        )


def format_row(listed: LibraryModel) -> tuple[str, ...]:
    """Format a model as the cells of its row in the table, in the order of HEAD."""
    from rm_local.text import one_line

    model = listed.model
    kind = "yes" if model.thinks else "no"
    if model.missing:
        kind = f"{len(model.missing)} files missing"
    elif model.kind != "text":
        kind = model.kind
    return (
        "*" if listed.in_use else "",
        one_line(listed.name),
        model.architecture,
        format_parameter_count(model.parameters),
        model.quantisation,
        format_bytes(model.size),
        f"{model.trained_context:,}" if model.trained_context else "unknown",
        kind,
        listed.place,
    )


def format_table(rows: list[tuple[str, ...]]) -> list[str]:
    """Format a table, given as rows of cells, as lines with aligned columns."""
    widths = [max(map(count_cells, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            pad_to_cells(cell, width, right=number in RIGHT)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in rows
    ]


def _format_hidden_counts_by_kind(library: ModelLibrary) -> str:
    """Format the numbers of models that are not shown, by kind, as in `2 embedder, 1 projector`."""
    kinds = [listed.model.kind for listed in library.models if listed.model.kind != "text"]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
