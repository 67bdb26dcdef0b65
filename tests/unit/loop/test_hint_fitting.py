"""A hint too long for the context is cut at a sentence or left out; the other branches continue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import (
    BranchStarted,
    Event,
    HintCutOrLeftOut,
    event_as_json,
    event_from_json,
)
from rm_local.loop.plan import PLANS
from rm_local.loop.subproblem import find_sentence_ends
from rm_local.loop.turn import apply_event, create_initial_turn_state
from rm_local.records import Hit
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    INFO,
    FakeEngine,
    hit,
)
from tests.support.turns import MEMORY, answer_of, events_of, of

SMALL = replace(INFO, context=400, trained_context=400)
SENTENCE = "I should add the next number to it. "


def long(id: int, text: str = SENTENCE * 200, similarity: float = 0.9) -> Hit:
    """A hit with this subroutine."""
    found = hit(id, similarity)
    return replace(found, entry=replace(found.entry, subroutine=text))


class Characters(FakeEngine):
    """A token is a character."""

    async def count_tokens(self, text: str) -> int:
        """All of them."""
        return len(text)


def hints_of(events: list[Event]) -> dict[int, str]:
    """What is read of each entry, by its id."""
    started = [event for event in events if isinstance(event, BranchStarted)]
    return {e.hint.entry.id: e.hint.entry.subroutine for e in started if e.hint}


def cuts_of(events: list[Event]) -> dict[int, HintCutOrLeftOut]:
    """What is said of hints, by the entry's id."""
    return {event.id: event for event in events if isinstance(event, HintCutOrLeftOut)}


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_long_hint_is_cut_and_the_others_are_whole(place: int) -> None:
    """Wherever it stands among the hits, the best one included."""
    hits = [hit(id, 0.9) for id in (1, 2, 3)]
    hits[place] = long(place + 1)
    events = await events_of(FakeEngine(info=SMALL), recall=FakeRecall(hits))
    read = hints_of(events)
    assert answer_of(events).result == "8"
    assert set(read) == {1, 2, 3}
    for other in set(read) - {place + 1}:
        assert read[other] == hit(other).entry.subroutine
    kept = read[place + 1]
    assert kept.endswith("to it.")
    assert (SENTENCE * 200).startswith(kept)
    (cut,) = of(HintCutOrLeftOut, events)
    assert isinstance(cut, HintCutOrLeftOut)
    assert cut.id == place + 1
    assert 100 < cut.kept < 400 < cut.tokens
    assert f"entry {place + 1}" in cut.message


@pytest.mark.parametrize("plan", [MEMORY, replace(PLANS["random-hints"], samples=6)])
async def test_several_long_hints_are_cut_each(plan: object) -> None:
    """Found ones, and those drawn at random."""
    hits = [long(1), hit(2), long(3)]
    events = await events_of(FakeEngine(info=SMALL), plan, FakeRecall(hits))  # type: ignore[arg-type]
    assert set(cuts_of(events)) == {1, 3}
    assert set(hints_of(events)) == {1, 2, 3}


async def test_a_pinned_hint_is_cut_too() -> None:
    """It stays the first one."""
    overrides = TurnOverrides(pinned=(long(9),))
    events = await events_of(
        FakeEngine(info=SMALL), recall=FakeRecall([hit(1)]), steering=overrides
    )
    assert list(hints_of(events)) == [9, 1]
    assert cuts_of(events)[9].kept > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("word " * 5000, "it is left out"),
        ("word " * 5000 + "and its end. And more.", "it is left out"),
        ("Too little. " + "word " * 5000, "it is left out"),
        ("\x00\x1b\x07 \n", "holds no text"),
        (" \n\t", "holds no text"),
        ("\u200b\u2060", "holds no text"),
        ("", "holds no text"),
    ],
)
async def test_a_hint_of_no_use_is_left_out(text: str, words: str) -> None:
    """Its samples go to the others; the turn says so."""
    events = await events_of(
        FakeEngine(info=SMALL), recall=FakeRecall([long(1, text), hit(2, 0.8)])
    )
    assert set(hints_of(events)) == {2}
    assert len(of(BranchStarted, events)) == MEMORY.samples
    assert cuts_of(events)[1].kept == 0
    assert words in cuts_of(events)[1].message
    assert answer_of(events).hints == (2,)


async def test_without_a_hint_that_fits_the_model_reasons_without_one() -> None:
    """The turn has its answer all the same."""
    events = await events_of(
        FakeEngine(info=SMALL), recall=FakeRecall([long(1, "word " * 5000), long(2, "")])
    )
    assert hints_of(events) == {}
    assert set(cuts_of(events)) == {1, 2}
    assert answer_of(events).result == "8"


async def test_one_sample_takes_the_next_hint_when_the_first_is_left_out() -> None:
    """A hit beyond the samples is not looked at otherwise."""
    plan = replace(MEMORY, samples=1)
    bad = [long(1, "word " * 5000), hit(2), long(3)]
    events = await events_of(FakeEngine(info=SMALL), plan, FakeRecall(bad))
    assert set(hints_of(events)) == {2}
    assert set(cuts_of(events)) == {1}


async def test_a_text_without_blanks_ends_at_its_own_marks() -> None:
    """Of other scripts, such as Chinese; a token is a character there."""
    text = "首先把两个数相加。然后检查结果!" * 300
    info = replace(INFO, context=2000, trained_context=2000)
    events = await events_of(Characters(info=info), recall=FakeRecall([long(1, text), hit(2)]))
    kept = hints_of(events)[1]
    assert kept.endswith(("。", "!"))
    assert 300 < len(kept) < 2000


async def test_a_long_hint_leaves_room_to_write() -> None:
    """A quarter of the context, or half of what is left of it."""
    events = await events_of(FakeEngine(info=SMALL), recall=FakeRecall([long(1)]))
    assert cuts_of(events)[1].kept < 400 - 100
    events = await events_of(
        FakeEngine(info=SMALL, prompt_tokens=200), recall=FakeRecall([long(1)])
    )
    assert 0 < cuts_of(events)[1].kept < 100


async def test_hints_that_fit_are_not_spoken_of() -> None:
    """Nor changed."""
    events = await events_of(FakeEngine())
    assert of(HintCutOrLeftOut, events) == []


def test_what_was_cut_is_saved() -> None:
    """The event survives its JSON, and a replayed turn says it."""
    event = HintCutOrLeftOut(3, "Entry 3 holds no text: it is left out.", 0, 0)
    assert event_as_json(event)["event"] == "hint_cut"
    assert event_from_json(event_as_json(event)) == event
    assert apply_event(create_initial_turn_state("?", 0.0), event, 0.0).cuts == (event.message,)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("One\n- two\n\nand thr", ["One", "- two"]),
        ('He says "stop." Then e.g. this: 3.5 more', ['He says "stop."']),
        ("先加。再减", ["先加。"]),
        ("no end", []),
        ("", []),
    ],
)
def test_sentences_end_at_marks_and_line_breaks(text: str, sentences: list[str]) -> None:
    """At their marks and at line breaks; a text that breaks off has no end there."""
    ends = list(find_sentence_ends(text))
    starts = [0, *ends]
    assert [text[a:b].strip() for a, b in zip(starts, ends, strict=False)] == sentences


def test_a_line_of_a_million_characters_is_read_in_time() -> None:
    """Its sentences are all found, each looked at by itself."""
    assert len(list(find_sentence_ends("I add it. " * 100_000))) == 100_000
