"""Chooses what embeds many texts here: llama.cpp, or sentence-transformers on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rm_local.embed.text_embedder import TextEmbedder
from rm_local.extras import format_install_command, is_installed

MANY_TEXTS = 2000
"""Number of texts from which importing torch (4.4 s) is worthwhile, if there is a GPU. Without one
llama.cpp is faster: 12 texts a second against 5 on two cores that others used, too."""


def ignore_notice(text: str) -> None:
    """Do nothing: the callback for notices of callers that show none."""


@contextmanager
def open_text_embedder(
    model: str | None,
    count: int,
    *,
    dimension: int | None = None,
    half: bool = False,
    notify: Callable[[str], None] = ignore_notice,
) -> Iterator[TextEmbedder]:
    """Load the embedder `model` for about `count` texts, for the `with` body.

    `model`, `dimension` and `half` are as for `BulkEmbedder`. all-MiniLM-L6-v2 (None) is run by
    llama.cpp if the texts are few, if torch has no GPU, or if the extra `bulk` is not installed; in
    the last case `notify` gets a sentence. The vectors are of the same kind either way.

    Raises:
        ModelNotFoundError: Another model is named, and the extra `bulk` is not installed.
        ModelNotFoundError, InvalidModelError: The weights are missing or damaged.
        UsageError: The model was not trained for `dimension`.
    """
    installed = is_installed("bulk")
    if model is not None or (installed and count >= MANY_TEXTS and _has_accelerator()):
        from rm_local.embed.bulk import BulkEmbedder

        yield BulkEmbedder(model, dimension=dimension, half=half)
        return
    from rm_local.embed.worker_bulk import open_minilm_worker_embedder

    if not installed:
        notify(_explain_missing_bulk_extra(count))
    with open_minilm_worker_embedder(notify) as embedder:
        yield embedder


def _has_accelerator() -> bool:
    """Return whether torch can compute on a GPU here; the first call imports torch."""
    import torch

    return torch.accelerator.is_available()


def _explain_missing_bulk_extra(count: int) -> str:
    """Say in a sentence that llama.cpp embeds; from MANY_TEXTS, how a GPU is used instead."""
    said = f"llama.cpp embeds the entries ({count:,}), as the extra bulk is not installed."
    if count < MANY_TEXTS:
        return said
    return f"{said} On a GPU the extra is faster: {format_install_command('bulk')}"
