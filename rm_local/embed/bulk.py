"""Embedding many texts, on whatever device there is. Imports torch: never for a query."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Floats
from rm_local.embed.hub_models import identity, model_folder, model_name
from rm_local.embed.minilm import MINILM, check_minilm_weights, find_minilm_weights
from rm_local.embed.npy_writer import Output
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store import EmbedderId

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64
BLOCK = 4096
"""Texts between two notes of progress; within a block they are sorted by length."""


class BulkEmbedder:
    """A sentence-transformers model on the device that it found: a GPU, or else the processor.

    `model` is a folder, a name that sentence-transformers knows, or None for all-MiniLM-L6-v2.
    `dimension` keeps the first components only, where the model was trained for that; `half`
    computes in bfloat16: faster, but not quite the same vectors. ModelMissing, ModelInvalid;
    UsageError for a dimension that the model was not trained for.
    """

    def __init__(
        self, model: str | Path | None = None, *, dimension: int | None = None, half: bool = False
    ) -> None:
        folder = find_minilm_weights() if model is None else model_folder(model)
        if model is None:
            check_minilm_weights(folder)
        name = MINILM.id if model is None else model_name(model)
        self.id: EmbedderId = identity(folder, name, dimension)
        self._model = _loaded(folder, half)

    @property
    def device(self) -> str:
        """Where it computes: `cpu`, `cuda:0`, `mps`."""
        return str(self._model.device)

    def embed(self, texts: Sequence[str], *, progress: bool = False) -> Floats:
        """The vectors of `texts`: (n, dimension), rows of length 1; `progress` draws a bar.

        Batches are made of texts of like length, so that little is padded.
        """
        if not texts:
            return np.zeros((0, self.id.dimension), dtype=np.float32)
        vectors = self._model.encode(
            list(texts),
            batch_size=BATCH,
            convert_to_tensor=True,
            show_progress_bar=progress,
        )
        rows = vectors[:, : self.id.dimension].float()
        rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return np.asarray(rows.cpu().numpy(), dtype=np.float32)

    def embed_to(
        self,
        texts: Sequence[str],
        out: Path,
        *,
        block: int = BLOCK,
        report: ProgressCallback = ignore_progress,
    ) -> None:
        """Write the vectors of `texts` to the .npy file `out`, going on where a run was stopped.

        `texts` is only sliced, block by block, so it may lie on disk; what lies at `out` already
        is taken as done. UsageError: a run of other texts or another embedder has left its half
        there. OSError: the disk is full, or cannot be written to.
        """
        if out.exists():
            return
        output = Output.open(out, len(texts), self.id, block)
        meter: ProgressMeter | None = None
        for start in output.missing(texts):
            meter = meter or ProgressMeter(report, "embed", len(texts), start)
            output.write(start, texts[start : start + block], self.embed)
            meter.reach(min(start + block, len(texts)))
        output.finish()


def embed_bulk(texts: Sequence[str], *, progress: bool = False) -> Floats:
    """The vectors by all-MiniLM-L6-v2: (n, 384), rows of length 1. Texts are cut at 256 tokens.

    `progress` draws a bar on standard error. ModelMissing, ModelInvalid: the weights are not
    there, or not the published.
    """
    return _minilm().embed(texts, progress=progress)


@lru_cache(maxsize=1)
def _minilm() -> BulkEmbedder:
    return BulkEmbedder()


def _loaded(folder: Path, half: bool) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    # The tokenizer's own threads pay when texts are many; only a fork beside them would hurt.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    model = SentenceTransformer(str(folder), local_files_only=True)
    return model.bfloat16() if half else model
