"""The interface of embedders of many texts, and what is done with any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rm_local.arrays import Floats
from rm_local.embed.npy_writer import ResumableNpyWriter
from rm_local.errors import ModelNotFoundError
from rm_local.extras import format_install_command, is_installed
from rm_local.progress import (
    DoneCallback,
    ProgressCallback,
    ProgressMeter,
    ignore_done,
    ignore_progress,
)

if TYPE_CHECKING:
    from rm_local.store import EmbedderId

BLOCK = 4096
"""Number of texts that are embedded and written to disk at a time, sorted by length."""
STEP = 64
"""Number of texts between two reports of progress."""


class TextEmbedder(Protocol):
    """Interface of an embedder of many texts."""

    id: EmbedderId

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed `texts` as the rows of an array (n, dimension), each of length 1."""


def check_bulk_installed(model: str) -> None:
    """Check that the extra `bulk` is installed, which the embedder `model` needs.

    Raises:
        ModelNotFoundError: It is not installed.
    """
    if not is_installed("bulk"):
        raise ModelNotFoundError(
            f"The embedder {model} needs the extra bulk, which is not installed.",
            f"Install it: {format_install_command('bulk')}\nOr use --embedder minilm or static.",
        )


def embed_in_steps(
    embedder: TextEmbedder, texts: Sequence[str], on_done: DoneCallback = ignore_done
) -> Floats:
    """Embed `texts` as the rows of an array; `on_done` gets the number of embedded texts."""
    rows = [np.empty((0, embedder.id.dimension), np.float32)]
    for start in range(0, len(texts), STEP):
        rows.append(embedder.embed(texts[start : start + STEP]))
        on_done(min(start + STEP, len(texts)))
    return np.concatenate(rows)


def embed_to_file_unless_exists(
    embedder: TextEmbedder,
    texts: Sequence[str],
    out: Path,
    *,
    block: int = BLOCK,
    report: ProgressCallback = ignore_progress,
) -> None:
    """Embed `texts`, and write the vectors as the rows of the .npy file `out`.

    The file is written in blocks of `block` texts; a run that was interrupted is continued. If
    `out` exists, it is taken as complete. `texts` is only sliced, one block at a time, so its
    elements may be read from disk.

    Raises:
        UsageError: The interrupted run had other texts or another embedder.
        OSError: The disk is full, or cannot be written to.
    """
    if out.exists():
        return
    writer = ResumableNpyWriter.open(out, len(texts), embedder.id, block)
    meter: ProgressMeter | None = None
    for start in writer.check_and_find_missing_blocks(texts):
        meter = meter or ProgressMeter(report, "embed", len(texts), start)
        part = texts[start : start + block]
        writer.embed_and_write_block(
            start, part, _make_reporting_embed_function(embedder, meter, start)
        )
    writer.rename_part_and_remove_log()


def _make_reporting_embed_function(
    embedder: TextEmbedder, meter: ProgressMeter, start: int
) -> Callable[[Sequence[str]], Floats]:
    """Return a function that embeds a block, whose first text is number `start`, in steps."""

    def embed(texts: Sequence[str]) -> Floats:
        return embed_in_steps(embedder, texts, lambda done: meter.report_units_done(start + done))

    return embed
