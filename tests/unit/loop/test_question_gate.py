"""The gate over a store on disk: its scale is measured once, kept in the cache, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import PROBES, PROBES_SHA256, load_shipped_static
from rm_local.loop.question_gate import ProbeVectorLoader, StoreGate
from rm_local.records import Entry
from rm_local.store import Store, UnrelatedSimilaritySpread
from tests.support.static_stores import static_store

ENTRIES = (
    "How to compute the kinetic energy from the mass and the speed?",
    "How to add two fractions with different denominators?",
    "How to find the shortest path in a graph with weights?",
    "How to compute a glimsy of two numbers?",
)
QUESTION = "what kinetic energy has a mass of 4 kg with a speed of 6 m/s"


class Counting:
    """rm-static, which counts the texts that it embeds."""

    def __init__(self) -> None:
        self.embedded = 0

    async def embed(self, texts: Sequence[str]) -> Floats:
        """(n, d)."""
        self.embedded += len(texts)
        return load_shipped_static().embed(texts)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of a few entries, open for writing."""
    static = load_shipped_static()
    path = tmp_path / "few.rms"
    known = static.known_words
    with Store.create(path, embedder=static.id, known_words=known) as opened:
        add(opened, ENTRIES)
        yield opened


def add(store: Store, subproblems: Sequence[str]) -> None:
    """Entries with these subproblems."""
    entries = [Entry(each, "I should do it.", "math", "test") for each in subproblems]
    store.add_entries(entries, load_shipped_static().embed(subproblems))


def open_gate(store: Store, embedder: Counting | None = None) -> StoreGate:
    """The gate of this store, which has loaded nothing yet."""
    return StoreGate(ProbeVectorLoader(embedder or Counting()), store)


async def fits(gate: StoreGate, question: str) -> bool:
    """The gate's verdict."""
    (vector,) = load_shipped_static().embed([question])
    return (await gate.judge_question(vector, question)).fits


async def test_it_distinguishes_what_the_store_has_from_what_it_has_not(store: Store) -> None:
    """By the store's own scale, in a store of four entries."""
    gate = open_gate(store)

    assert await fits(gate, QUESTION)
    for other in ("hello, how are you?", "who painted the Mona Lisa", "Wie spät ist es?"):
        assert not await fits(gate, other), other


async def test_a_rare_word_of_an_entry_opens_it(store: Store) -> None:
    """The embedder has never seen the word, so that no similarity can show it."""
    gate = open_gate(store)

    assert await fits(gate, "the glimsy, please")
    assert not await fits(gate, "the florbly, please")


async def test_an_empty_store_fits_nothing(tmp_path: Path) -> None:
    """And has no hit to measure."""
    with Store.create(tmp_path / "empty.rms", embedder=load_shipped_static().id) as empty:
        assert not await fits(open_gate(empty), QUESTION)


async def test_the_scale_is_measured_once_and_kept(store: Store) -> None:
    """Neither a second question nor a second run embeds the probe sentences again."""
    first, second = Counting(), Counting()
    gate = open_gate(store, first)
    for _ in range(2):
        await fits(gate, QUESTION)
    least = await gate.derive_min_hit_similarity()
    again = await open_gate(store, second).derive_min_hit_similarity()

    assert (first.embedded, second.embedded) == (len(PROBES), 0)
    assert again == pytest.approx(least)


async def test_a_store_that_has_grown_is_measured_again(store: Store) -> None:
    """Its scale is another then, in the same run, and in the next."""
    gate = open_gate(store)
    before = await gate.derive_min_hit_similarity()
    add(store, ["How are you today?", "What is the capital of a country?", "Who wrote a book?"])

    assert await gate.derive_min_hit_similarity() > before
    again = open_gate(store)
    assert await again.derive_min_hit_similarity() == pytest.approx(
        await gate.derive_min_hit_similarity()
    )


async def test_the_scale_that_a_store_holds_is_used(store: Store) -> None:
    """Until a tenth of the entries have come or gone, or the probe sentences are others."""
    held = UnrelatedSimilaritySpread(0.25, 0.5, len(ENTRIES))
    store.write_spread(held, "another digest")
    measured = await open_gate(store).derive_min_hit_similarity()
    store.write_spread(held, PROBES_SHA256)

    assert measured != pytest.approx(0.75)
    assert await open_gate(store).derive_min_hit_similarity() == pytest.approx(0.75)
    add(store, ["How are you today?"])
    assert await open_gate(store).derive_min_hit_similarity() != pytest.approx(0.75)


async def test_a_store_that_replaces_another_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade: the same path and as many entries, but another scale."""
    path = static_store(tmp_path / "seed.rms", ENTRIES)
    monkeypatch.setattr(paths, "shipped_store", lambda: path)
    with Store.open(path) as before:
        least = await open_gate(before).derive_min_hit_similarity()
    other = static_store(tmp_path / "new.rms", ["Hello", "Thank you", "Good morning", "Who?"])
    other.replace(path)

    with Store.open(path) as after:
        found = await open_gate(after).derive_min_hit_similarity()
        assert found != pytest.approx(least)
        second = Counting()
        assert await open_gate(after, second).derive_min_hit_similarity() == pytest.approx(found)
    assert second.embedded == 0


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x93NUMPY\x01", b'{"middle": "x"}'])
async def test_a_damaged_cache_is_measured_again(store: Store, damage: bytes) -> None:
    """As if it were not there."""
    least = await open_gate(store).derive_min_hit_similarity()
    kept = list((paths.cache_dir() / "gate").iterdir())
    for file in kept:
        file.write_bytes(damage)

    assert len(kept) == 2
    assert await open_gate(store).derive_min_hit_similarity() == pytest.approx(least)


async def test_a_cache_that_cannot_be_written_stops_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The scale is measured, and measured again by the next run."""
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setattr(paths, "cache_dir", lambda: blocked)
    second = Counting()
    least = await open_gate(store).derive_min_hit_similarity()

    assert await open_gate(store, second).derive_min_hit_similarity() == pytest.approx(least)
    assert second.embedded == len(PROBES)


def test_probe_sentences_are_distinct_and_no_labelled_questions() -> None:
    """Else the figures of the gate would be of what it was made with."""
    questions = Path("models/seed/questions/gate.jsonl").read_text("utf-8")

    assert len(set(PROBES)) == len(PROBES)
    assert [each for each in PROBES if f'"question": "{each}"' in questions] == []
    assert np.isfinite(load_shipped_static().embed(PROBES)).all()
