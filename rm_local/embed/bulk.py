"""Embedding many texts, on whatever device there is. Imports torch: never for a query."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rm_local.embed.minilm import MINILM, check_weights, weights_dir

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64


def embed_bulk(texts: Sequence[str], *, progress: bool = False) -> NDArray[np.float32]:
    """The vectors of `texts`: (n, 384), rows of length 1. Texts are cut at 256 tokens.

    Batches are made of texts of like length, so that little is padded. `progress` draws a bar on
    standard error. ModelMissing, ModelInvalid: the weights are not there, or not the published.
    """
    if not texts:
        return np.zeros((0, MINILM.dimension), dtype=np.float32)
    vectors = _model().encode(
        list(texts),
        batch_size=BATCH,
        normalize_embeddings=True,
        convert_to_numpy=True,
        show_progress_bar=progress,
    )
    return np.asarray(vectors, dtype=np.float32)


@lru_cache(maxsize=1)
def _model() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    folder = weights_dir()
    check_weights(folder)
    return SentenceTransformer(str(folder), local_files_only=True)
