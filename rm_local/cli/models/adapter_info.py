"""Describes LoRA adapters, for the output of `rm-local models info`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from rm_local.cli.models.common import format_description_line
from rm_local.lora import LoraAdapter
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.gguf import LoraHeader
    from rm_local.library import LibraryModel


def print_lora_description(listed: LibraryModel, as_data: bool) -> None:
    """Print a description of an adapter's file: as lines, or with `as_data` as JSON.

    Raises:
        InvalidModelError: The file is damaged, or of a kind that cannot be loaded.
    """
    from rm_local.gguf import add_missing_adapter_hash_if_readable, read_and_check_lora_header

    path = listed.model.path
    adapter = add_missing_adapter_hash_if_readable(LoraAdapter(str(path)))
    file = read_and_check_lora_header(path)
    if as_data:
        fields = lora_as_json(adapter, file)
        del fields["scale"]
        click.echo(json.dumps({"kind": "adapter", "title": listed.model.title, **fields}))
        return
    click.echo("\n".join(describe_lora_file(listed.model.title, adapter, file)))


def lora_as_json(adapter: LoraAdapter, file: LoraHeader) -> dict[str, Any]:
    """Convert an adapter and the header of its file to a JSON object."""
    return {
        "path": adapter.path,
        "scale": adapter.scale,
        "sha256": adapter.sha256 or None,
        "architecture": file.architecture,
        "ranks": [*file.distinct_ranks],
        "alpha": file.alpha or None,
        "matrices": len(file.pairs),
        "tensors": file.tensor_count,
        "size": file.size,
        "base": file.base_description or None,
        "calculator": file.trained_with_calculator,
    }


def describe_lora_file(title: str, adapter: LoraAdapter, file: LoraHeader) -> list[str]:
    """Describe an adapter's file in lines: name, path, hash, rank, changed matrices, base model."""
    from rm_local.text import one_line

    calculator = {True: "used", False: "not used", None: "not stated"}[file.trained_with_calculator]
    return [
        format_description_line("name", one_line(title)),
        format_description_line("file", one_line(adapter.path)),
        format_description_line("sha256", adapter.sha256),
        format_description_line(
            "kind", f"{one_line(file.architecture, 40)}, LoRA adapter; name it with --lora"
        ),
        format_description_line("rank", _format_rank_and_alpha(file)),
        format_description_line(
            "changes", f"{len(file.pairs)} matrices, {file.tensor_count} tensors"
        ),
        format_description_line("size", format_bytes(file.size)),
        format_description_line("base", one_line(file.base_description, 200) or "not stated"),
        format_description_line("calculator", calculator),
    ]


def describe_lora_in_one_line(adapter: LoraAdapter, file: LoraHeader) -> str:
    """Describe in one line an adapter with which a model is loaded."""
    from rm_local.text import one_line

    what = (
        f"scale {adapter.scale:g}, rank {_format_rank_and_alpha(file)}, {format_bytes(file.size)}"
    )
    return format_description_line("adapter", f"{one_line(adapter.path)}: {what}")


def _format_rank_and_alpha(file: LoraHeader) -> str:
    """Format the rank or ranks of an adapter and its alpha, as in `16, alpha 32`."""
    ranks = " to ".join(dict.fromkeys((str(file.distinct_ranks[0]), str(file.distinct_ranks[-1]))))
    return f"{ranks}, alpha {file.alpha:g}" if file.alpha else f"{ranks}, no alpha"
