"""Tiny corpora: made-up sentences, embedded by a hash of their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.bench.corpus.corpus import write_corpus_if_missing
from rm_local.bench.corpus.seed_vectors import write_anchor_files_if_missing
from rm_local.bench.corpus.texts import load_text_composer
from rm_local.embed import MINILM

DIMENSION = 48


def tiny_sentences(count: int = 400) -> list[str]:
    """Distinct, from four words to twelve."""
    return [f"The {place} turns are taken{' again' * (place % 9)}." for place in range(count)]


def embed(texts: Sequence[str], dimension: int = DIMENSION) -> NDArray[np.float32]:
    """(n, dimension), rows of length 1, determined by the texts alone."""
    seeds = [np.random.default_rng(list(text.encode())) for text in texts]
    drawn = np.array([rng.normal(size=dimension) for rng in seeds])
    rows: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return rows.astype(np.float32)


class TinyEmbedder:
    """In the place of the real one, which takes seconds to load."""

    def __init__(self, dimension: int = MINILM.dimension) -> None:
        self.id = replace(MINILM, dimension=dimension)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), rows of length 1."""
        return embed(texts, self.id.dimension)


@contextmanager
def open_tiny_embedder(*_: object, **__: object) -> Iterator[TinyEmbedder]:
    """Stand in for `open_text_embedder`."""
    yield TinyEmbedder()


def tiny_corpus(parent: Path) -> Path:
    """A corpus of 400 sentences with its anchors."""
    folder = write_corpus_if_missing(tiny_sentences(), parent)
    texts = load_text_composer(folder)
    embedder = TinyEmbedder(DIMENSION)
    write_anchor_files_if_missing(
        folder, texts.anchor_sentences, texts.held_out_sentences, embedder, lambda _: None
    )
    return folder
