"""The shipped table: its size, and that it finds entries by what people ask."""

from __future__ import annotations

import numpy as np
import pytest

from models.static.measure import build_retrieval_test
from rm_local import paths
from rm_local.embed.static import StaticEmbedder, load_shipped_static

LARGEST = 12_000_000
FLOORS = {
    "paraphrases": (0.18, 0.55),
    "held-out families": (0.97, 0.99),
    "invented names": (0.96, 0.99),
}
"""hit@1 and hit@10 that each kind of question must reach: a little under what was measured."""


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    """As an installation has it."""
    return load_shipped_static()


def test_the_shipped_table_is_small(embedder: StaticEmbedder) -> None:
    """A file of at most 12 MB, 256 dimensions, named by its own hash."""
    assert paths.shipped_static_embedder().stat().st_size <= LARGEST
    assert (embedder.id.id, embedder.id.dimension) == ("rm-static", 256)
    assert len(embedder.id.sha256) == 64


def test_entries_are_found_by_what_people_ask(embedder: StaticEmbedder) -> None:
    """Among thousands, as often as was measured."""
    found = build_retrieval_test().evaluate_embedder(embedder.embed)
    assert found.keys() == FLOORS.keys()
    for kind, (first, ten) in FLOORS.items():
        assert found[kind].hit1 >= first, kind
        assert found[kind].hit10 >= ten, kind


def test_a_text_alone_has_the_same_vector_as_among_others(embedder: StaticEmbedder) -> None:
    """To the last bit, odd texts too; every text has a direction."""
    texts = ["", "?", "How to add two fractions?", "zorbal", "二次方程式", "x" * 200, "a b " * 400]
    together = embedder.embed(texts)
    assert np.array_equal(together, np.concatenate([embedder.embed([t]) for t in texts]))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_it_knows_common_words(embedder: StaticEmbedder) -> None:
    """Those are not looked for as rare words; invented ones are."""
    assert {"fraction", "add", "the"} <= embedder.known_words
    assert not {"zorbal", "##ing", "[UNK]", "a"} & embedder.known_words
