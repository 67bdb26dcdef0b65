"""Words that the embedder has never seen are found, and ordinary questions no worse for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.embed.bulk import embed_with_minilm
from rm_local.embed.minilm import MINILM, read_minilm_vocabulary_words
from rm_local.records import Entry
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store

PARAPHRASES = Path(__file__).resolve().parents[1] / "data" / "paraphrases.tsv"
INVENTED = 600
ASKED = 150
WORDINGS = (
    "How to compute the {} of two numbers a and b?",
    "How to find the {} value for a pair of numbers?",
    "How is the {} of a and b determined?",
    "How to apply the operation {} to two whole numbers?",
    "What steps give the {} of two given numbers?",
)
ASKED_AS = (
    "what is the {} of {} and {}",
    "find the {} value for a={}, b={}",
    "please work out {}({}, {}) for me",
    "I have {1} and {2}, need their {0}",
    "{}: {} with {} = ?",
)


def invented_names(count: int, rng: random.Random) -> list[str]:
    """Different pronounceable words such as `zorbal` and `mifek`."""
    names: dict[str, None] = {}
    while len(names) < count:
        parts = [rng.choice("bcdfghjklmnprstvz") + rng.choice("aeiou") for _ in range(3)]
        names["".join(parts)[: rng.choice((5, 6))] + rng.choice(("", "l", "k", "r"))] = None
    return list(names)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str]]:
    """Ordinary subproblems, each with somebody's question for it."""
    lines = PARAPHRASES.read_text("utf-8").splitlines()
    return [(subproblem, asked) for subproblem, asked in (line.split("\t") for line in lines)]


@pytest.fixture(scope="module")
def names() -> list[str]:
    """Names that nobody has heard of."""
    return invented_names(INVENTED, random.Random(1))


@pytest.fixture(scope="module")
def store(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], pairs: list[tuple[str, str]]
) -> Iterator[Store]:
    """Entries 1 to INVENTED for the names, in order; after them those of the ordinary pairs."""
    rng = random.Random(2)
    texts = [rng.choice(WORDINGS).format(name) for name in names]
    texts += [subproblem for subproblem, _ in pairs]
    path = tmp_path_factory.mktemp("search") / "names.rms"
    with Store.create(path, embedder=MINILM, known_words=read_minilm_vocabulary_words()) as made:
        made.add_entries(
            [Entry(text, "I should add them.") for text in texts], embed_with_minilm(texts)
        )
        yield made


def share_first(
    store: Store, questions: list[tuple[int, str]], vectors: NDArray[np.float32], *, fused: bool
) -> float:
    """Share of the questions whose entry comes first."""
    first = [
        store.search(SearchRequest(vector, text if fused else "", k=1))[0].entry.id == wanted
        for (wanted, text), vector in zip(questions, vectors, strict=True)
    ]
    return sum(first) / len(first)


def test_invented_names_are_found_in_other_words(store: Store, names: list[str]) -> None:
    """First in >= 95 % among hundreds alike, where vectors alone find fewer."""
    rng = random.Random(3)
    questions = []
    for place in rng.sample(range(INVENTED), ASKED):
        name = rng.choice((str.lower, str.upper, str.title))(names[place])
        asked = rng.choice(ASKED_AS).format(name, rng.randint(1, 99), rng.randint(1, 99))
        questions.append((place + 1, asked))
    vectors = embed_with_minilm([text for _, text in questions])
    fused = share_first(store, questions, vectors, fused=True)
    assert fused >= 0.95
    assert fused > share_first(store, questions, vectors, fused=False)


def test_ordinary_questions_lose_nothing(store: Store, pairs: list[tuple[str, str]]) -> None:
    """With the words looked at, at least as many come first as by vectors alone."""
    questions = [(INVENTED + place, asked) for place, (_, asked) in enumerate(pairs, 1)]
    vectors = embed_with_minilm([text for _, text in questions])
    dense = share_first(store, questions, vectors, fused=False)
    assert share_first(store, questions, vectors, fused=True) >= dense > 0.6


def test_an_entry_found_by_its_word_has_its_true_cosine(store: Store, names: list[str]) -> None:
    """Its similarity is that of the two vectors, not one made up."""
    asked = f"tell me a story in which somebody says {names[4]}"
    vector = embed_with_minilm([asked])[0]
    (hit,) = [h for h in store.search(SearchRequest(vector, asked, k=700)) if h.lexical == 1]
    assert hit.entry.id == 5
    assert hit.similarity == pytest.approx(float(store.read_vectors([5])[0] @ vector), abs=1e-5)
