"""Embeds many texts with sentence-transformers (torch): the extra `bulk`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Floats
from rm_local.embed.hub_models import (
    build_embedder_id,
    derive_model_name,
    find_or_download_model_folder,
)
from rm_local.embed.minilm import MINILM, check_minilm_weights, find_minilm_weights_folder
from rm_local.embed.text_embedder import BLOCK, check_bulk_installed, embed_to_file_unless_exists
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store import EmbedderId

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64


class BulkEmbedder:
    """Embeds many texts with a sentence-transformers model, on a GPU if there is one.

    `model` is a folder, a name on Hugging Face, or None for all-MiniLM-L6-v2. `dimension` is the
    number of components of a vector to keep (None: all); the model must have been trained for it.
    `half` computes in bfloat16: faster, with slightly different vectors.

    Raises:
        ModelNotFoundError: The extra `bulk` is not installed.
        ModelNotFoundError, InvalidModelError: The weights are missing or damaged.
        UsageError: The model was not trained for `dimension`.
    """

    def __init__(
        self, model: str | Path | None = None, *, dimension: int | None = None, half: bool = False
    ) -> None:
        check_bulk_installed(MINILM.id if model is None else str(model))
        folder = (
            find_minilm_weights_folder() if model is None else find_or_download_model_folder(model)
        )
        name = MINILM.id if model is None else derive_model_name(model)
        self.id: EmbedderId
        if model is None and dimension in (None, MINILM.dimension):
            check_minilm_weights(folder)
            self.id = MINILM
        else:
            self.id = build_embedder_id(folder, name, dimension)
        self._model = _load_model(folder, half)

    @property
    def device(self) -> str:
        """torch's name of the device that computes, such as `cpu`, `cuda:0` or `mps`."""
        return str(self._model.device)

    def embed(self, texts: Sequence[str], *, progress: bool = False) -> Floats:
        """Embed `texts` as the rows of an array (n, dimension), each of length 1.

        `progress` shows a progress bar. Texts of similar length are put into the same batch, to
        keep the padding short.
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

    def embed_to_npy_unless_exists(
        self,
        texts: Sequence[str],
        out: Path,
        *,
        block: int = BLOCK,
        report: ProgressCallback = ignore_progress,
    ) -> None:
        """Embed `texts`, and write the vectors as rows of the .npy file `out`, unless it exists.

        The file is written in blocks of `block` texts, and an interrupted run is continued; see
        `embed_to_file_unless_exists`.

        Raises:
            UsageError: The interrupted run had other texts or another embedder.
            OSError: The disk is full, or cannot be written to.
        """
        embed_to_file_unless_exists(self, texts, out, block=block, report=report)


def embed_with_minilm(texts: Sequence[str], *, progress: bool = False) -> Floats:
    """Embed `texts` with all-MiniLM-L6-v2 as the rows of an array (n, 384), each of length 1.

    A text is cut after 256 tokens. `progress` shows a progress bar on standard error.

    Raises:
        ModelNotFoundError: The extra `bulk` is not installed.
        InvalidModelError: The weights are not the published ones.
    """
    return _load_minilm().embed(texts, progress=progress)


@lru_cache(maxsize=1)
def _load_minilm() -> BulkEmbedder:
    """Load all-MiniLM-L6-v2 with torch; later calls return the same embedder."""
    return BulkEmbedder()


def _load_model(folder: Path, half: bool) -> SentenceTransformer:
    """Load the model of a folder with sentence-transformers; `half`: in bfloat16."""
    from sentence_transformers import SentenceTransformer

    # Tokenizer threads pay off for many texts, and are safe because nothing forks here.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    with _silence_transformers():
        model = SentenceTransformer(str(folder), local_files_only=True)
    return model.bfloat16() if half else model


@contextmanager
def _silence_transformers() -> Iterator[None]:
    """Keep the progress bars and warnings of transformers off the screen in the `with` body."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
