"""`rm-local models add`: adds a file or a folder to the list of models."""

from __future__ import annotations

from pathlib import Path

import click

from rm_local.cli.models.common import print_skipped_notes
from rm_local.cli.options import PATH


@click.command()
@click.argument("path", type=PATH)
def add(path: Path) -> None:
    """Add a GGUF file, or a folder to search for them, to the list of models. Nothing is copied."""
    from rm_local.library import (
        add_model,
        derive_model_name_without_place,
        read_model_description,
        require_loadable,
    )
    from rm_local.settings import load_settings
    from rm_local.text import one_line

    path = path.absolute()
    if path.is_dir():
        found = (
            f"a folder with {_print_skipped_and_count_usable_models(path)} models to reason with"
        )
    else:
        read = read_model_description(path)
        require_loadable(read)
        path, name = read.path, derive_model_name_without_place(load_settings(), read.path)
        found = f"{name}, {read.architecture}, {read.quantisation}"
    new = add_model(path)
    click.echo(f"{'added' if new else 'already added'}: {one_line(str(path))} ({found})")


def _print_skipped_and_count_usable_models(folder: Path) -> int:
    """Count the usable models in a folder and below; print why others are not usable.

    Raises:
        UsageError: No model there is usable.
    """
    from rm_local.errors import RmLocalError, UsageError
    from rm_local.library import find_gguf_files, read_model_description, require_loadable

    notes: list[str] = []
    usable: set[Path] = set()
    for file in find_gguf_files(folder, notes.append):
        try:
            read = read_model_description(file)
            require_loadable(read)
            usable.add(read.path)
        except RmLocalError as error:
            notes.append(error.message.rstrip("."))
    print_skipped_notes(tuple(dict.fromkeys(notes)))
    if not usable:
        raise UsageError(
            f"{folder} contains no model to reason with.", "Name a GGUF file, or its folder."
        )
    return len(usable)
