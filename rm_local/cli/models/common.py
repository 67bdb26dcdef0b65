"""Formats models for the output of several commands of `rm-local models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rm_local.library import LibraryModel


def model_as_json(listed: LibraryModel) -> dict[str, Any]:
    """Convert a listed model to the JSON object that the commands print."""
    model = listed.model
    return {
        "name": listed.name,
        "path": str(model.path),
        "place": listed.place,
        "in_use": listed.in_use,
        "kind": model.kind,
        "title": model.title,
        "architecture": model.architecture,
        "parameters": model.parameters,
        "quantisation": model.quantisation,
        "size": model.size,
        "context": model.trained_context,
        "template": bool(model.template),
        "thinks": model.thinks,
        "files": len(model.files),
        "missing": [*model.missing],
    }


def format_description_line(name: str, text: str) -> str:
    """Format a line of a description: a name, padded to a column, and a text."""
    return f"{name:<10} {text}"


def print_skipped_notes(notes: tuple[str, ...]) -> None:
    """Print to standard error why files and folders were skipped, one line for each note."""
    from rm_local.text import one_line

    for each in notes:
        click.echo(f"skipped: {one_line(each)}", err=True)
