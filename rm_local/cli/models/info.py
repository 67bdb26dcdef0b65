"""`rm-local models info`: what a model is, and what it needs before it is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import click

from rm_local.cli.context import Opening
from rm_local.cli.models.common import as_json, line
from rm_local.cli.models.memory_report import Fit
from rm_local.cli.old_options import accept_old_options
from rm_local.cli.options import JSON, LORA
from rm_local.lora import LoraAdapter
from rm_local.options import Precision
from rm_local.units import format_bytes, format_parameters

if TYPE_CHECKING:
    from rm_local.engine import ThinkingDescription
    from rm_local.gguf import LoraFile
    from rm_local.library import LibraryModel, ModelFile


@click.command(context_settings=accept_old_options("models info"))
@click.argument("model", required=False, metavar="[NAME|PATH]")
@click.option(
    "--context", type=click.IntRange(1, 1 << 20), help="Tokens to hold; by default as a turn does."
)
@click.option(
    "--kv-cache-type",
    "kv_cache_type",
    type=click.Choice(get_args(Precision)),
    help="How keys and values would be stored; by default as in the settings.",
)
@LORA
@JSON
@click.pass_obj
def info(
    opening: Opening,
    model: str | None,
    context: int | None,
    kv_cache_type: Precision | None,
    lora: tuple[LoraAdapter, ...],
    as_data: bool,
) -> None:
    """Show a model's metadata, how it thinks, and the memory that it needs against what is free.

    Without a name: the model in use, with its adapters. Of the file of a LoRA adapter: its rank,
    its scale and its base model. Nothing is loaded.
    """
    from rm_local.cli.models.adapter_info import (
        describe_loaded_lora,
        lora_as_json,
        print_lora_file,
    )
    from rm_local.engine import AdaptedModel
    from rm_local.gguf import read_fitting_lora
    from rm_local.library import find_model, read_model_files, resolve_model
    from rm_local.system import free_memory

    settings = opening.over(lora=lora).settings()
    listed = find_model(settings, model or str(resolve_model(settings)))
    found = listed.model
    if found.kind == "adapter":
        print_lora_file(listed, as_data)
        return
    used = settings.lora if listed.in_use or lora or opening.lora else ()
    adapters = read_fitting_lora(used, found.path, read_model_files(listed.reference))
    described = describe_file(listed, adapters)
    sizes = AdaptedModel(found, adapters)
    settings = replace(settings, kv_cache_type=kv_cache_type or settings.kv_cache_type)
    fits = Fit.of(settings, sizes, context or 0, free_memory())
    if as_data:
        thinking = {
            "thinks": described.thinks,
            "family": described.family.name,
            "thinking": described.told,
            "calculator": described.family.calculator,
        }
        told_lora = [lora_as_json(*each) for each in zip(used, adapters, strict=True)]
        memory = {"lora": told_lora, "memory": fits.as_json()}
        click.echo(json.dumps({**as_json(listed), **thinking, **memory}))
        return
    loaded = [describe_loaded_lora(*each) for each in zip(used, adapters, strict=True)]
    click.echo("\n".join([*told(listed, described), *loaded, *fits.told()]))
    if found.kind != "text":
        click.echo(f"warning: it is no model to reason with ({found.kind})", err=True)
    if warning := fits.warning():
        click.echo(f"warning: {warning}", err=True)


def describe_file(listed: LibraryModel, adapters: Iterable[LoraFile] = ()) -> ThinkingDescription:
    """How a model thinks with these adapters, the user's own templates and families counted in."""
    from rm_local.engine import describe_thinking
    from rm_local.library import read_model_files
    from rm_local.paths import templates_dir

    metadata = read_model_files(listed.reference).header.metadata
    file, overrides = listed.model.path.stem, templates_dir()
    return describe_thinking(metadata, file=file, overrides=overrides, adapters=adapters)


def told(listed: LibraryModel, described: ThinkingDescription) -> list[str]:
    """The lines about the file."""
    from rm_local.text import one_line

    model = listed.model
    experts = f", {model.experts[1]} of {model.experts[0]} experts" if model.experts[0] else ""
    weights = (
        format_parameters(model.parameters),
        model.quantisation,
        format_bytes(model.size),
    )
    files = f" in {len(model.files)} files" if len(model.files) > 1 else ""
    used = ", in use" if listed.in_use else ""
    later = "" if model.files else " (made on first use)"
    return [
        line("name", f"{listed.name} ({one_line(model.title)}{used})"),
        line("file", f"{one_line(str(model.path))}{later}"),
        *(line("missing", one_line(name)) for name in model.missing),
        line("kind", f"{model.architecture}, {model.kind}{experts}"),
        line("weights", f"{', '.join(weights)}{files}"),
        line("layers", _layers(model)),
        line("context", f"trained on {model.context:,}" if model.context else "not told"),
        line("tokenizer", f"{one_line(model.tokenizer)}, {model.shape.vocabulary:,} tokens"),
        line("thinking", one_line(described.told)),
    ]


def _layers(model: ModelFile) -> str:
    shape = model.shape
    keeping = [layer for layer in shape.layers if layer.key]
    words = [f"{len(shape.layers)}"]
    if shape.recurrent:
        words.append(f"{sum(1 for layer in shape.layers if layer.state)} of them recurrent")
    if shape.windowed:
        windows = [layer.window for layer in shape.layers if layer.window]
        words.append(f"{len(windows)} see a window of {max(windows):,} tokens")
    if keeping:
        words.append(f"{max(layer.key + layer.value for layer in keeping):,} numbers kept a token")
    return ", ".join(words)
