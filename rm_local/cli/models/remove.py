"""`rm-local models remove`: removes a model from the list, or deletes its files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import CliContext
from rm_local.units import format_bytes, format_count

if TYPE_CHECKING:
    from rm_local.library import LibraryModel


@click.command()
@click.argument("model", metavar="NAME|PATH")
@click.option("--delete", is_flag=True, help="Delete its files too, after asking.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: CliContext, model: str, delete: bool, yes: bool) -> None:
    """Remove an added model or folder from the list; its files stay, unless --delete.

    A file in another program's store is never deleted.
    """
    from rm_local.home import expand_user_path
    from rm_local.library import find_model_by_path_or_name, forget_model
    from rm_local.text import one_line

    path = expand_user_path(model).absolute()
    if not delete and forget_model(path):  # also a path that no longer exists
        click.echo(f"removed from the list: {one_line(str(path))}")
        return
    listed = find_model_by_path_or_name(context.load_settings(), model)
    if delete:
        confirm_delete_and_forget_model(listed, yes)
    elif not forget_model(listed.model.path):
        raise _make_not_added_error(listed)
    else:
        click.echo(f"removed from the list: {one_line(str(listed.model.path))}")
    if listed.in_use:
        click.echo("warning: the settings still name it: rm-local models use", err=True)


def confirm_delete_and_forget_model(listed: LibraryModel, yes: bool) -> None:
    """Delete all files of a model, after asking unless `yes`, and remove it from the list.

    If a file cannot be deleted, those before it are gone, and the model stays in the list.

    Raises:
        UsageError: The files are not the user's, the user declines, or a file cannot be deleted.
    """
    from rm_local.errors import UsageError
    from rm_local.library import forget_model
    from rm_local.text import one_line

    _require_deletable_model(listed)
    model = listed.model
    files = f"{format_count(len(model.files), 'file')}, {format_bytes(model.size)}"
    if not yes and not _confirm_or_assume_no(f"Delete {one_line(str(model.path))} ({files})?"):
        raise UsageError("Nothing was deleted.", "Answer yes, or give --yes.")
    for file in model.files:
        try:
            file.unlink()
        except OSError as error:
            raise UsageError(
                f"{file} cannot be deleted: {error.strerror}.", "Change the folder's permissions."
            ) from error
    forget_model(model.path)
    click.echo(f"deleted: {one_line(str(model.path))} ({files})")


def _confirm_or_assume_no(question: str) -> bool:
    """Ask the user, and return the answer; False if there is nobody to ask.

    Raises:
        click.Abort: The user interrupts or ends the input at a terminal.
    """
    if sys.stdin is None or sys.stdout is None:
        return False
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl+C
            raise
        click.echo(err=True)
        return False


def _require_deletable_model(listed: LibraryModel) -> None:
    """Check that the model belongs to the user: it is neither shipped nor another program's.

    Raises:
        UsageError: It is shipped, or in another program's store.
    """
    from rm_local.errors import UsageError
    from rm_local.library import (
        SHIPPED_SOURCE,
        explain_how_to_remove_model,
        find_owning_app_or_empty,
    )
    from rm_local.paths import shipped_model

    path = listed.model.path
    shipped = listed.place == SHIPPED_SOURCE
    if shipped or (path.exists() and path.samefile(shipped_model())):
        raise UsageError(f"{path} is part of rm-local.", "Keep it: it belongs to this version.")
    if program := next(filter(None, map(find_owning_app_or_empty, listed.model.files)), ""):
        raise UsageError(
            f"{path} is in the store of {program}, which rm-local does not change.",
            explain_how_to_remove_model(program, path),
        )


def _make_not_added_error(listed: LibraryModel) -> Exception:
    """Create the error for a model that is not in the list of added paths, so cannot be removed."""
    from rm_local.errors import UsageError
    from rm_local.library import (
        SHIPPED_SOURCE,
        explain_how_to_remove_model,
        find_owning_app_or_empty,
    )

    path = listed.model.path
    if listed.place == SHIPPED_SOURCE:
        return UsageError(
            f"{listed.name} is part of rm-local and cannot be removed.",
            "To use another model: rm-local models use NAME",
        )
    if program := find_owning_app_or_empty(path):
        remedy = explain_how_to_remove_model(program, path)
    else:
        remedy = "Delete its file with --delete, or remove an added folder by its path."
    return UsageError(
        f"{listed.name} was not added by its own path: it was found at {path}.",
        remedy,
    )
