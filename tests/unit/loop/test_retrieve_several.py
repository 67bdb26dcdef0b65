"""The retriever over several stores: gates, the minimum of hits, and stores that fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import PROBES, load_shipped_static
from rm_local.errors import StoreError
from rm_local.loop import StoreRetriever
from rm_local.loop.question_gate import ProbeVectorLoader, StoreGate
from rm_local.store import StoreSet
from tests.support.static_stores import OWN, SHIPPED, static_store

TOPICS = ("the mass of a wombat", "the price of a lamp", "the age of a tree", "the depth of a well")
FILLER = tuple(f"How to compute {topic} from {other}?" for topic in TOPICS for other in TOPICS)
FITTING = {
    "What kinetic energy has a mass of 4 kg with a speed of 6 m/s?": True,
    "What is the boat rent for 3 days and 4 people?": True,
    "Hello, how are you today?": False,
}


class StaticQueries:
    """rm-static as the embedder of queries."""

    async def embed(self, texts: Sequence[str]) -> Floats:
        """(n, d)."""
        return load_shipped_static().embed(texts)


def open_retriever(tmp_path: Path, failures: list[StoreError] | None = None) -> StoreRetriever:
    """Over two stores, `one` about energy and fractions, `two` about boats."""
    files = [
        static_store(tmp_path / "one.rms", [*SHIPPED, *FILLER]),
        static_store(tmp_path / "two.rms", [*OWN, *FILLER[:3]]),
    ]
    skip = None if failures is None else failures.append
    return StoreRetriever(StaticQueries(), StoreSet.open(files, ("one", "two"), skip))


@pytest.mark.parametrize(("question", "fits"), FITTING.items())
async def test_a_question_fits_if_it_fits_a_store(
    tmp_path: Path, question: str, fits: bool
) -> None:
    """Either one; its probability is that of the store that it fits best."""
    retriever = open_retriever(tmp_path)
    alone = [StoreRetriever(StaticQueries(), each) for each in retriever.stores.stores]

    verdict = await retriever.judge_question(question)

    singles = [await each.judge_question(question) for each in alone]
    assert verdict.fits is fits
    assert verdict.fits == any(each.fits for each in singles)
    assert verdict.probability == max(each.probability for each in singles)
    assert verdict.is_aside_or_store_empty == all(each.is_aside_or_store_empty for each in singles)
    retriever.stores.close()


async def test_the_minimum_of_hits_is_the_highest_of_the_stores(tmp_path: Path) -> None:
    """Hits below what unrelated sentences reach in any of them are left out."""
    retriever = open_retriever(tmp_path)
    probes = ProbeVectorLoader(StaticQueries())
    gates = [StoreGate(probes, each) for each in retriever.stores.stores]
    least = max([await gate.derive_min_hit_similarity() for gate in gates])

    hits = await retriever.search("rent of a boat by day", 30, None)

    assert hits[0].key == ("two", 1)
    assert all(hit.similarity >= least for hit in hits if not hit.lexical)
    assert len(hits) < len(await retriever.search("rent of a boat by day", 30, -1.0))
    retriever.stores.close()


async def test_the_probe_sentences_are_embedded_once_for_all_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the cache cannot be written to."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path / "file")
    embedded: list[str] = []

    class Recording(StaticQueries):
        async def embed(self, texts: Sequence[str]) -> Floats:
            embedded.extend(texts)
            return await super().embed(texts)

    opened = open_retriever(tmp_path)
    retriever = StoreRetriever(Recording(), opened.stores)
    await retriever.judge_question("Hello, how are you today?")

    assert len(embedded) == len(PROBES) + 1
    opened.stores.close()


async def test_an_entry_is_known_and_drawn_from_every_store(tmp_path: Path) -> None:
    """`has_entry` and the control plan's random hints look at all stores."""
    retriever = open_retriever(tmp_path)

    assert [await retriever.has_entry(each) for each in (SHIPPED[1], OWN[0], "How?")] == [
        True,
        True,
        False,
    ]
    assert {hit.store for hit in await retriever.draw_random_hits(24, 0)} == {"one", "two"}
    retriever.stores.close()


async def test_a_gate_that_fails_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other store decides; if all fail, or none may, that is an error."""
    failures: list[StoreError] = []
    retriever = open_retriever(tmp_path, failures)
    question = next(iter(FITTING))

    def fail(*_: object) -> None:
        raise StoreError("The disk fails.")

    monkeypatch.setattr(retriever.stores.stores[1], "read_info", fail)
    assert (await retriever.judge_question(question)).fits
    assert "The disk fails." in str(failures[0])
    monkeypatch.setattr(retriever.stores.stores[0], "read_info", fail)
    with pytest.raises(StoreError, match="The disk fails"):
        await retriever.judge_question(question)
    retriever.stores.close()
