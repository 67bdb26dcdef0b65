"""`rm-local models remove`: forget what was added, or delete a file of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rm_local.cli.context import Opening
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.library import LibraryModel


@click.command()
@click.argument("model", metavar="NAME|PATH")
@click.option("--delete", is_flag=True, help="Delete its files too, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(opening: Opening, model: str, delete: bool, yes: bool) -> None:
    """Forget a model or folder that was added; its files stay, unless --delete.

    A file in another program's store is never deleted from here.
    """
    from rm_local.home import expand_home
    from rm_local.library import find_model, forget_model
    from rm_local.text import one_line

    path = expand_home(model).absolute()
    if not delete and forget_model(path):  # also what is not there any more
        click.echo(f"forgotten: {one_line(str(path))}")
        return
    listed = find_model(opening.settings(), model)
    if delete:
        delete_files(listed, yes)
    elif not forget_model(listed.model.path):
        raise _not_added(listed)
    else:
        click.echo(f"forgotten: {one_line(str(listed.model.path))}")
    if listed.in_use:
        click.echo("warning: the settings still name it: rm-local models use", err=True)


def delete_files(listed: LibraryModel, yes: bool) -> None:
    """Delete all files of a model that is the user's own, and forget it."""
    from rm_local.errors import UsageError
    from rm_local.library import forget_model
    from rm_local.text import one_line

    _refuse_foreign(listed)
    model = listed.model
    told = f"{len(model.files)} file{'s' * (len(model.files) > 1)}, {format_bytes(model.size)}"
    if not yes and not click.confirm(f"Delete {one_line(str(model.path))} ({told})?", err=True):
        raise UsageError("Nothing was deleted.", "Say yes to the question, or give --yes.")
    for file in model.files:
        try:
            file.unlink()
        except OSError as error:
            raise UsageError(
                f"{file} cannot be deleted: {error.strerror}.", "Mend the folder's permissions."
            ) from error
    forget_model(model.path)
    click.echo(f"deleted: {one_line(str(model.path))} ({told})")


def _refuse_foreign(listed: LibraryModel) -> None:
    """UsageError for the shipped model and for one in another program's store."""
    from rm_local.errors import UsageError
    from rm_local.library import SHIPPED_SOURCE, owning_app, removal_command
    from rm_local.paths import shipped_model

    path = listed.model.path
    shipped = listed.place == SHIPPED_SOURCE
    if shipped or (path.exists() and path.samefile(shipped_model())):
        raise UsageError(f"{path} comes with rm-local.", "Leave it; it is made for this version.")
    if program := next(filter(None, map(owning_app, listed.model.files)), ""):
        raise UsageError(
            f"{path} lies in {program}'s store, which is not rm-local's to change.",
            removal_command(program, path),
        )


def _not_added(listed: LibraryModel) -> Exception:
    """Why there is nothing to forget, and what to do instead."""
    from rm_local.errors import UsageError
    from rm_local.library import SHIPPED_SOURCE, owning_app, removal_command

    path = listed.model.path
    if listed.place == SHIPPED_SOURCE:
        remedy = "It comes along with rm-local and stays."
    elif program := owning_app(path):
        remedy = removal_command(program, path)
    else:
        remedy = "--delete deletes its file; a folder is forgotten by its path."
    return UsageError(
        f"{listed.name} was not added by itself: it was found at {path}.",
        remedy,
    )
