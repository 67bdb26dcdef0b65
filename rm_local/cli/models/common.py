"""What the commands of `rm-local models` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rm_local.library import LibraryModel


def as_json(listed: LibraryModel) -> dict[str, Any]:
    """What programs are told of a model."""
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
        "context": model.context,
        "template": bool(model.template),
        "thinks": model.thinks,
        "files": len(model.files),
        "missing": [*model.missing],
    }


def line(name: str, text: str) -> str:
    """A line of a description."""
    return f"{name:<10} {text}"


def note(notes: tuple[str, ...]) -> None:
    """What was passed over, on standard error."""
    from rm_local.text import one_line

    for each in notes:
        click.echo(f"passed over: {one_line(each)}", err=True)
