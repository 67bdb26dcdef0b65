"""Rare words: found whatever is typed, and only where they say something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from rm_local.records import Entry
from rm_local.store.index import rare_words
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store
from tests.support.stores import TOY, vectors

KNOWN = ("how", "to", "find", "the", "of", "two", "numbers", "and", "or", "not", "number", "near")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A hundred entries: `glorp` is in forty of them, each of the other names in one or two."""
    path = tmp_path_factory.mktemp("lexical") / "toy.rms"
    subproblems = [
        f"How to find the {'glorp' if i < 40 else f'quib{i}'} of two numbers?" for i in range(98)
    ]
    subproblems += ["How to find the zorbál of two numbers?", "How to find the Mifek of a zorbal?"]
    with Store.create(path, embedder=TOY, known_words=KNOWN) as made:
        made.add_entries([Entry(text, "I should add them.") for text in subproblems], vectors(100))
        yield made


def shares(store: Store, text: str) -> dict[int, float]:
    """The lexical share of each hit for `text` that has one."""
    found = store.search(SearchRequest(vectors(1, seed=3)[0], text, k=100))
    return {hit.entry.id: round(hit.lexical, 3) for hit in found if hit.lexical}


@pytest.mark.parametrize(
    "text", ["the mifek of 3 and 9", "MIFEK(3, 9)", "find 'Mifék'!", "mifek mifek"]
)
def test_a_rare_word_is_found_in_any_dress(store: Store, text: str) -> None:
    """Case, accents, punctuation and repetition make no difference."""
    assert shares(store, text) == {100: 1.0}


def test_a_rare_word_lifts_its_entry(store: Store) -> None:
    """Hits stand by their scores, so an entry that holds the word goes up by what that is worth."""
    query = vectors(1, seed=3)[0]
    plain = [hit.entry.id for hit in store.search(SearchRequest(query, k=100))]
    hits = store.search(SearchRequest(query, "what is the quib74 of 1 and 2", k=100))
    scores = [rare_words.fuse_scores(hit.similarity, hit.lexical) for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.entry.id for hit in hits].index(75) < plain.index(75)


def test_words_weigh_by_their_rarity(store: Store) -> None:
    """Of two rare words, an entry with both has 1, and one with the commoner less than half."""
    found = shares(store, "the zorbal of the mifek")
    assert found[100] == 1.0
    assert 0 < found[99] < 0.5


@pytest.mark.parametrize(
    "text", ["", "how to find the number of two numbers", "12 345 3x 7", "x y", "glorp", "unheard"]
)
def test_words_that_distinguish_nothing_find_nothing(store: Store, text: str) -> None:
    """Known words, numbers, single letters, frequent and absent words find nothing."""
    assert shares(store, text) == {}


@pytest.mark.parametrize(
    "text",
    ['"', "zorbal* OR", "NEAR(zorbal mifek)", "a:b -c ^d", "\0zorbal\0", "😀", "\ud800", "'; --"],
)
def test_query_syntax_is_text(store: Store, text: str) -> None:
    """Operators, quotes, NUL, emoji and lone surrogates are searched for, never obeyed."""
    assert ("orbal" in text) == (99 in shares(store, text))


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=200))
def test_any_text_can_be_asked_for(store: Store, text: str) -> None:
    """No text raises, and a share is between 0 and 1."""
    assert all(0 < share <= 1 for share in shares(store, text).values())


def test_without_known_words_the_commonest_of_english_are_known(tmp_path: Path) -> None:
    """A store that was given no words still does not take `how` for a name."""
    with Store.create(tmp_path / "toy.rms", embedder=TOY) as store:
        store.add_entries(
            [Entry("How do I find the zorbal?", "I add."), Entry("Other", "I add.")], vectors(2)
        )
        assert shares(store, "how do I do this") == {}
        assert shares(store, "what zorbal") == {1: 1.0}


def test_the_score_adds_the_rare_words_to_the_cosine() -> None:
    """Holding all rare words is worth `WEIGHT`."""
    assert rare_words.fuse_scores(0.5, 1.0) == pytest.approx(0.5 + rare_words.LEXICAL_WEIGHT)
    assert rare_words.fuse_scores(0.5, 0.0) == 0.5


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_plain_text_is_split_as_the_index_splits_it(text: str) -> None:
    """ASCII goes a shorter way, to the same words."""
    rare = rare_words.UnknownWordFinder(frozenset())
    assert rare.split_words(text) == rare.split_words(f"é {text}")[1:]


def test_a_search_by_vector_alone_does_not_read_the_known_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacking them takes longer than the search of a small store."""
    path = tmp_path / "toy.rms"
    with Store.create(path, embedder=TOY, known_words=KNOWN) as made:
        made.add_entries([Entry("How to find the mifek?", "I should add.")], vectors(1))

    with Store.open(path) as opened:
        monkeypatch.setattr("rm_local.store.index.search.unpack_words", pytest.fail)
        (hit,) = opened.search(SearchRequest(vectors(1)[0]))

    assert hit.words == ()
