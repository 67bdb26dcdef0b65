"""`rm-local models info`: describes a model and the memory that it needs, without loading it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import click

from rm_local.cli.context import CliContext
from rm_local.cli.models.common import format_description_line, model_as_json
from rm_local.cli.models.memory_report import MemoryEstimate
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import JSON, LORA
from rm_local.lora import LoraAdapter
from rm_local.options import Precision
from rm_local.units import format_bytes, format_parameter_count

if TYPE_CHECKING:
    from rm_local.engine import ChatFormat
    from rm_local.gguf import LoraHeader
    from rm_local.library import LibraryModel, ModelDescription


@click.command("info", context_settings=build_old_options_context_settings("models info"))
@click.argument("model", required=False, metavar="[NAME|PATH]")
@click.option(
    "--context",
    "tokens",
    type=click.IntRange(1, 1 << 20),
    help="Tokens of context; by default as for a turn.",
)
@click.option(
    "--kv-cache-type",
    "kv_cache_type",
    type=click.Choice(get_args(Precision)),
    help="Number format of cached keys and values; by default as in the settings.",
)
@LORA
@JSON
@click.pass_obj
def show_model_info(
    context: CliContext,
    model: str | None,
    tokens: int | None,
    kv_cache_type: Precision | None,
    lora: tuple[LoraAdapter, ...],
    as_data: bool,
) -> None:
    """Show a model's metadata, how it thinks, and the memory that it needs and that is free.

    Without a name: the model in use, with its adapters. For the file of a LoRA adapter: its rank
    and its base model. Nothing is loaded.
    """
    from rm_local.cli.models.adapter_info import (
        describe_lora_in_one_line,
        lora_as_json,
        print_lora_description,
    )
    from rm_local.engine import AdaptedModelSizes
    from rm_local.gguf import read_and_check_adapter_headers
    from rm_local.library import (
        choose_settings_or_default_model,
        find_model_by_path_or_name,
        read_or_predict_model_headers,
    )
    from rm_local.system import measure_free_memory

    settings = context.with_overrides(lora=lora).load_settings()
    listed = find_model_by_path_or_name(
        settings, model or str(choose_settings_or_default_model(settings))
    )
    found = listed.model
    if found.kind == "adapter":
        print_lora_description(listed, as_data)
        return
    used = settings.lora if listed.in_use or lora or context.lora else ()
    adapters = read_and_check_adapter_headers(
        used, found.path, read_or_predict_model_headers(listed.path_or_embedded_name)
    )
    described = detect_listed_chat_format(listed, adapters)
    sizes = AdaptedModelSizes(found, adapters)
    settings = replace(settings, kv_cache_type=kv_cache_type or settings.kv_cache_type)
    fits = MemoryEstimate.list_devices_and_estimate_memory(
        settings, sizes, tokens or 0, measure_free_memory()
    )
    if as_data:
        thinking = {
            "thinks": described.thinks,
            "family": described.family.name,
            "thinking": described.summary,
            "calculator": described.family.calculator,
        }
        adapters_json = [lora_as_json(*each) for each in zip(used, adapters, strict=True)]
        memory = {"lora": adapters_json, "memory": fits.as_json()}
        click.echo(json.dumps({**model_as_json(listed), **thinking, **memory}))
        return
    loaded = [describe_lora_in_one_line(*each) for each in zip(used, adapters, strict=True)]
    click.echo(
        "\n".join([*describe_model_in_lines(listed, described), *loaded, *fits.format_lines()])
    )
    if found.kind != "text":
        click.echo(f"warning: this model cannot reason ({found.kind})", err=True)
    if warning := fits.describe_shortage_or_empty():
        click.echo(f"warning: {warning}", err=True)


def detect_listed_chat_format(
    listed: LibraryModel, adapters: Iterable[LoraHeader] = ()
) -> ChatFormat:
    """Detect how a listed model formats chats and thinking, given its adapters.

    The user's own templates and families count, too.
    """
    from rm_local.engine import detect_chat_format
    from rm_local.library import read_or_predict_model_headers
    from rm_local.paths import templates_dir

    metadata = read_or_predict_model_headers(listed.path_or_embedded_name).header.metadata
    file, overrides = listed.model.path.stem, templates_dir()
    return detect_chat_format(metadata, file=file, overrides=overrides, adapters=adapters)


def describe_model_in_lines(listed: LibraryModel, described: ChatFormat) -> list[str]:
    """Describe a model in lines: name, file, kind, weights, layers, context, thinking."""
    from rm_local.text import one_line

    model = listed.model
    experts = f", {model.experts[1]} of {model.experts[0]} experts" if model.experts[0] else ""
    weights = (
        format_parameter_count(model.parameters),
        model.quantisation,
        format_bytes(model.size),
    )
    files = f" in {len(model.files)} files" if len(model.files) > 1 else ""
    used = ", in use" if listed.in_use else ""
    later = "" if model.files else " (made on first use)"
    return [
        format_description_line("name", f"{listed.name} ({one_line(model.title)}{used})"),
        format_description_line("file", f"{one_line(str(model.path))}{later}"),
        *(format_description_line("missing", one_line(name)) for name in model.missing),
        format_description_line("kind", f"{model.architecture}, {model.kind}{experts}"),
        format_description_line("weights", f"{', '.join(weights)}{files}"),
        format_description_line("layers", _describe_layers(model)),
        format_description_line(
            "context",
            f"trained on {model.trained_context:,}" if model.trained_context else "not stated",
        ),
        format_description_line(
            "tokenizer", f"{one_line(model.tokenizer)}, {model.shape.vocabulary:,} tokens"
        ),
        format_description_line("thinking", one_line(described.summary)),
    ]


def _describe_layers(model: ModelDescription) -> str:
    """Describe the number and kinds of a model's layers in words."""
    shape = model.shape
    keeping = [layer for layer in shape.layers if layer.key]
    words = [f"{len(shape.layers)}"]
    if shape.has_recurrent_layer:
        words.append(f"{sum(1 for layer in shape.layers if layer.state)} of them recurrent")
    if shape.has_windowed_layer:
        windows = [layer.window for layer in shape.layers if layer.window]
        words.append(f"{len(windows)} see a window of {max(windows):,} tokens")
    if keeping:
        words.append(
            f"{max(layer.key + layer.value for layer in keeping):,} numbers cached per token"
        )
    return ", ".join(words)
