"""The query embedder in the worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rm_local.engine.client import Engine
from rm_local.errors import EngineError, InvalidModelError
from rm_local.options import EngineOptions


async def test_texts_become_vectors_of_length_one(weights: Path, tmp_path: Path) -> None:
    """Rows have length 1, stand in the texts' order, and are near each other when texts do."""
    texts = ["add two fractions", "how do I sum fractions?", "boiling point of water", ""]
    async with Engine(EngineOptions(threads=1), log=tmp_path / "log") as engine:
        assert await engine.load_embedder(weights) == 384
        vectors = await engine.embed(texts)
        alone = np.concatenate([await engine.embed([text]) for text in texts])
        none = await engine.embed([])

    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert none.shape == (0, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((vectors * alone).sum(axis=1), 1, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


async def test_many_and_long_texts_are_embedded(weights: Path, tmp_path: Path) -> None:
    """More texts than one batch holds; texts are cut at what the embedder was trained for."""
    long = "a fraction " * 2000
    async with Engine(EngineOptions(threads=1), log=tmp_path / "log") as engine:
        await engine.load_embedder(weights)
        vectors = await engine.embed([*(f"text {n}" for n in range(300)), long, long + "more"])
        last = await engine.embed(["text 299"])

    assert vectors.shape == (302, 384)
    np.testing.assert_allclose(vectors[299] @ last[0], 1, atol=1e-4)
    np.testing.assert_allclose(vectors[300], vectors[301], atol=1e-6)


async def test_the_embedder_comes_back_after_a_death(weights: Path, tmp_path: Path) -> None:
    """A new worker loads the embedder again when it is next needed."""
    async with Engine(EngineOptions(threads=1), log=tmp_path / "log") as engine:
        await engine.load_embedder(weights)
        before = await engine.embed(["fractions"])
        await engine.close()
        after = await engine.embed(["fractions"])

    np.testing.assert_array_equal(before, after)


async def test_embedding_needs_an_embedder(tmp_path: Path) -> None:
    """Without one, or with a file that holds no embedder, the error says so."""
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    async with Engine(EngineOptions(threads=1), log=tmp_path / "log") as engine:
        with pytest.raises(EngineError, match="No embedder"):
            await engine.embed(["x"])
        with pytest.raises(InvalidModelError, match="not a GGUF"):
            await engine.load_embedder(text)
