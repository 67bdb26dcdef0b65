"""`rm-local models use`: which model is taken from now on."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
@click.argument("model", required=False, metavar="[NAME|PATH]")
@click.option("--default", "shipped", is_flag=True, help="The one that runs when none is named.")
def use(model: str | None, shipped: bool) -> None:
    """Write a model into the settings file; all else in it stays as it is."""
    from rm_local import paths, settings
    from rm_local.errors import UsageError
    from rm_local.library import (
        RM_SMALL,
        check_usable,
        choose_default,
        find_model,
        use_model as write,
    )
    from rm_local.text import one_line

    if shipped == bool(model):
        raise UsageError("Which model?", "Name one, or say --default.")
    path = None
    if model:
        found = find_model(settings.load(), model)
        path = found.reference
        if path != RM_SMALL:
            check_usable(found.model)
            path = path.absolute()
    write(path)
    chosen = path or choose_default().model
    click.echo(f"{paths.config_file()}: the model is now {one_line(str(chosen))}")
    for adapter in misfits(chosen):
        click.echo(f"warning: `lora` in the settings has to be changed: {adapter}", err=True)
    if os.environ.get("RM_LOCAL_MODEL"):
        click.echo("warning: RM_LOCAL_MODEL is set and goes over the settings file", err=True)


def misfits(model: Path) -> list[str]:
    """What is wrong with the adapters that the settings file names, for this model."""
    from rm_local import settings
    from rm_local.errors import EngineError
    from rm_local.gguf import read_fitting_lora
    from rm_local.library import read_model_files
    from rm_local.text import one_line

    found = []
    for adapter in settings.load().lora:
        try:
            read_fitting_lora([adapter], model, read_model_files(model))
        except EngineError as error:
            found.append(one_line(error.message))
    return found
