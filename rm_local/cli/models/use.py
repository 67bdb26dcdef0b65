"""`rm-local models use`: sets the model to use from now on."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
@click.argument("model", required=False, metavar="[NAME|PATH]")
@click.option("--default", "shipped", is_flag=True, help="The one that runs if no model is named.")
def use(model: str | None, shipped: bool) -> None:
    """Set the model in the settings file; the rest of the file does not change."""
    from rm_local import paths, settings
    from rm_local.errors import UsageError
    from rm_local.library import (
        RM_SMALL,
        choose_preferred_or_shipped_model,
        find_model_by_path_or_name,
        require_loadable,
        save_or_remove_model_setting as write,
    )
    from rm_local.text import one_line

    if shipped == bool(model):
        raise UsageError("No model is named, or two are.", "Give one name, or --default.")
    path = None
    if model:
        found = find_model_by_path_or_name(settings.load_settings(), model)
        path = found.path_or_embedded_name
        if path != RM_SMALL:
            require_loadable(found.model)
            path = path.absolute()
    write(path)
    chosen = path or choose_preferred_or_shipped_model().model
    click.echo(f"{paths.config_file()}: the model is now {one_line(str(chosen))}")
    for adapter in list_settings_adapter_errors(chosen):
        click.echo(f"warning: change `lora` in the settings: {adapter}", err=True)
    if os.environ.get("RM_LOCAL_MODEL"):
        click.echo("warning: RM_LOCAL_MODEL is set and overrides the settings file", err=True)


def list_settings_adapter_errors(model: Path) -> list[str]:
    """Return an error message for each adapter in the settings that does not fit this model."""
    from rm_local import settings
    from rm_local.errors import EngineError
    from rm_local.gguf import read_and_check_adapter_headers
    from rm_local.library import read_or_predict_model_headers
    from rm_local.text import one_line

    found = []
    for adapter in settings.load_settings().lora:
        try:
            read_and_check_adapter_headers([adapter], model, read_or_predict_model_headers(model))
        except EngineError as error:
            found.append(one_line(error.message))
    return found
