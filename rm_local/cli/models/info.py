"""`rm-local models info`: what a model is, and what it needs before it is loaded."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rm_local.cli.draw import size
from rm_local.cli.models.common import JSON, as_json, count
from rm_local.cli.opening import Opening

if TYPE_CHECKING:
    from rm_local.engine.fit import Need, Precision
    from rm_local.library.listing import Listed
    from rm_local.library.model import Model


@click.command()
@click.argument("model", required=False, metavar="[NAME|PATH]")
@click.option(
    "--context", type=click.IntRange(1, 1 << 20), help="Tokens to hold; by default as a turn does."
)
@click.option(
    "--kv",
    type=click.Choice(["f16", "q8_0"]),
    default="f16",
    show_default=True,
    help="How keys and values would be stored.",
)
@JSON
@click.pass_obj
def info(
    opening: Opening, model: str | None, context: int | None, kv: Precision, as_data: bool
) -> None:
    """Show a model's metadata, and the memory that it needs against what is free.

    Without a name: the model in use. Nothing is loaded.
    """
    from rm_local.engine import fit
    from rm_local.engine.free import free_memory
    from rm_local.library.listing import find
    from rm_local.settings import shipped_model

    settings = opening.settings()
    listed = find(settings, model or str(settings.model or shipped_model()))
    found = listed.model
    need = fit.needed(found, fit.usual_context(found, context or settings.context), kv=kv)
    free = free_memory()
    largest = None if free is None else fit.largest_context(found, free, kv=kv)
    if as_data:
        memory = {**asdict(need), "total": need.total, "free": free, "largest_context": largest}
        memory["fits"] = None if free is None else need.total <= free
        click.echo(json.dumps({**as_json(listed), "memory": {**memory, "kv": kv}}))
        return
    click.echo("\n".join([*told(listed), *told_memory(need, free, kv)]))
    warn(found, need, free, largest)


def told(listed: Listed) -> list[str]:
    """The lines about the file."""
    from rm_local.text import one_line

    model = listed.model
    experts = f", {model.experts[1]} of {model.experts[0]} experts" if model.experts[0] else ""
    files = f" in {len(model.files)} files" if len(model.files) > 1 else ""
    used = ", in use" if listed.in_use else ""
    return [
        _line("name", f"{listed.name} ({one_line(model.title)}{used})"),
        _line("file", one_line(str(model.path))),
        *(_line("missing", one_line(name)) for name in model.missing),
        _line("kind", f"{model.architecture}, {model.kind}{experts}"),
        _line(
            "weights", f"{count(model.parameters)}, {model.quantisation}, {size(model.size)}{files}"
        ),
        _line("layers", _layers(model)),
        _line("context", f"trained on {model.context:,}" if model.context else "not told"),
        _line("tokenizer", f"{one_line(model.tokenizer)}, {model.shape.vocabulary:,} tokens"),
        _line("template", _template(model)),
    ]


def told_memory(need: Need, free: int | None, kv: str) -> list[str]:
    """The lines about memory."""
    parts = (
        f"weights {size(need.weights)}, {kv} cache {size(need.cache)}, "
        f"computing {size(need.compute)}"
    )
    has = "this system does not tell how much is free" if free is None else f"{size(free)} free"
    return [
        _line("needs", f"{size(need.total)} at {need.context:,} tokens; {has}"),
        _line("", parts),
    ]


def warn(model: Model, need: Need, free: int | None, largest: int | None) -> None:
    """Say on standard error what will not go well."""
    if model.kind != "text":
        click.echo(f"warning: it is no model to reason with ({model.kind})", err=True)
    if free is None or need.total <= free:
        return
    more = f"the largest context that fits is {largest:,}" if largest else "no context fits"
    click.echo(f"warning: {size(need.total - free)} more than is free; {more}", err=True)


def _layers(model: Model) -> str:
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


def _template(model: Model) -> str:
    if not model.template:
        return "none: the model gets a plain one"
    return "its own, thinks" if model.thinks else "its own, does not think"


def _line(name: str, text: str) -> str:
    return f"{name:<10} {text}"
