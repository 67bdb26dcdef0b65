"""A text's vector is the sum of the rows of its pieces, made to length 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.embed.static import StaticEmbedder, quantize_and_pack_table
from rm_local.errors import InvalidModelError, ModelNotFoundError

PIECES = ["[UNK]", "add", "two", "num", "##bers"]
ROWS = np.array([[0, 0, 1], [3, 0, 0], [0, 4, 0], [1, 1, 0], [0, 0, -0.5]], dtype=np.float32)


@pytest.fixture
def embedder() -> StaticEmbedder:
    """Five pieces in three dimensions."""
    return StaticEmbedder(ROWS, PIECES, "")


@pytest.mark.parametrize(
    ("text", "summed"),
    [
        ("Add two", [3, 4, 0]),
        ("numbers", [1, 1, -0.5]),
        ("two add TWO", [3, 8, 0]),
        ("", [0, 0, 1]),
        ("?", [0, 0, 1]),
    ],
)
def test_a_vector_sums_the_rows_of_its_pieces(
    embedder: StaticEmbedder, text: str, summed: list[float]
) -> None:
    """An empty text has the row of what is unknown."""
    expected = np.array(summed) / np.linalg.norm(summed)
    np.testing.assert_allclose(embedder.embed([text])[0], expected, atol=1e-6)


def test_vectors_are_float32_of_length_one(embedder: StaticEmbedder) -> None:
    """Whatever the number of texts, none included."""
    found = embedder.embed(["add", "two numbers", ""])
    assert (found.shape, found.dtype) == ((3, 3), np.dtype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert embedder.embed([]).shape == (0, 3)


def test_a_text_alone_has_the_same_vector_as_among_others(embedder: StaticEmbedder) -> None:
    """To the last bit."""
    texts = ["add two numbers", "two", "add add add two"]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.array_equal(together, alone)


def test_a_packed_table_is_read_again(tmp_path: Path) -> None:
    """Eight bits a component: rows of any size keep their direction; the bytes name it."""
    rng = np.random.default_rng(1)
    rows: NDArray[np.float32] = rng.standard_normal((5, 64)).astype(np.float32)
    rows *= np.array([1e-3, 1, 1e3, 10, 0.1], np.float32)[:, None]
    path = tmp_path / "table.safetensors"
    path.write_bytes(quantize_and_pack_table(rows, PIECES))
    read = StaticEmbedder.load(path)
    cosines = (read.embed(["add", "two"]) * _unit(rows[1:3])).sum(axis=1)
    assert cosines.min() > 0.9999
    assert (read.id.id, read.id.dimension, len(read.id.sha256)) == ("rm-static", 64, 64)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        StaticEmbedder.load(tmp_path / "nowhere")


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_table_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    """Wherever it is cut."""
    path = tmp_path / "table.safetensors"
    path.write_bytes(quantize_and_pack_table(ROWS, PIECES)[:kept])
    with pytest.raises(InvalidModelError, match=r"table\.safetensors"):
        StaticEmbedder.load(path)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled
