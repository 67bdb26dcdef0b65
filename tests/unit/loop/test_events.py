"""Events as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.branches import TokenChunk
from rm_local.errors import StoreNotFoundError
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    GateDecided,
    HintCutOrLeftOut,
    HitJudgement,
    HitsJudged,
    ModelLoading,
    ModelUnloaded,
    Notice,
    Prefilled,
    Retrieved,
    event_as_json,
    event_from_json,
    make_failed_event,
)
from rm_local.records import Answer, Branch, PrefillStats
from tests.support.fakes import hit

BRANCH = Branch(2, hit(5, 0.75, lexical=0.5), 7, "I add.", "Answer: 8", "8", 12, 0.5, "end")
ANSWER = Answer("Answer: 8", "8", 2, 4, 6, (5, 9), 99, 1.5)
EVENTS: list[Event] = [
    GateDecided(True, "fits", 0.02, 0.75),
    GateDecided(False, "forced"),
    Formulating("How"),
    Formulated("How do I add?", 0.25, "user", 3),
    Retrieved((hit(5, 0.75, lexical=0.5), hit(6)), 0.01),
    Retrieved((), 0.01),
    BranchStarted(0, None),
    BranchStarted(1, hit(5), 77),
    Prefilled(PrefillStats(40, 12, 0, 90, 0.25, 0.5, 0.75)),
    TokenChunk(1, "thinking", "I \u2028\x1b", 4),
    TokenChunk(1, "thinking", "144>>", 4, forced=True),
    BranchFinished(BRANCH),
    Answered(ANSWER),
    Answered(replace(ANSWER, hint_stores=("own", "shipped"))),
    Retrieved((replace(hit(5), store="own"), replace(hit(5), store="shipped")), 0.01),
    BranchStarted(1, replace(hit(5), store="own"), 77),
    HintCutOrLeftOut(5, "Entry own:5 holds no text: it is left out.", 0, 0, "own"),
    HitsJudged((HitJudgement(5, 0.75, True, "own"), HitJudgement(5, None, True)), 0.1),
    Failed("No store.", "Make one.", 4),
    ModelLoading(0.5),
    ModelUnloaded(),
    Notice("The context is smaller than asked for."),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_survives_json(event: Event) -> None:
    """What is written is what is read, through one line of text."""
    line = json.dumps(event_as_json(event))

    assert "\n" not in line
    assert event_from_json(json.loads(line)) == event


def test_hits_look_as_they_do_in_search() -> None:
    """One flat object with the entry's own fields."""
    (found,) = event_as_json(Retrieved((hit(5, 0.75),), 0.1))["hits"]

    assert found == {
        "id": 5,
        "similarity": 0.75,
        "lexical": 0.0,
        "words": [],
        "subproblem": hit(5).entry.subproblem,
        "subroutine": hit(5).entry.subroutine,
        "domain": "math",
        "source": "hand/thing-5",
        "level": "",
        "provenance": "",
        "store": "",
    }


def test_the_answer_is_at_the_top() -> None:
    """What programs read: answer, agreed, branches, hints, tokens, seconds, what was saved."""
    assert event_as_json(Answered(ANSWER)) == {
        "event": "answered",
        "answer": "8",
        "text": "Answer: 8",
        "branch": 2,
        "agreed": 4,
        "branches": 6,
        "hints": [5, 9],
        "tokens": 99,
        "seconds": 1.5,
        "saved_branches": 0,
        "saved_tokens": 0,
        "hint_stores": [],
    }


def test_a_line_without_stores_is_read() -> None:
    """As sessions were saved when there was one store."""
    fields = event_as_json(Retrieved((hit(5, 0.75),), 0.1))
    del fields["hits"][0]["store"]
    answered = event_as_json(Answered(ANSWER))
    del answered["hint_stores"]

    assert event_from_json(fields) == Retrieved((hit(5, 0.75),), 0.1)
    assert event_from_json(answered) == Answered(ANSWER)
    assert ANSWER.hint_keys == (("", 5), ("", 9))


def test_fields_of_a_later_version_are_ignored() -> None:
    """A field that is not known here changes nothing."""
    fields = event_as_json(Formulating("How")) | {"mood": "good", "time": "now"}

    assert event_from_json(fields) == Formulating("How")


@pytest.mark.parametrize("fields", [{}, {"event": "sung"}, {"event": "token"}, {"event": []}])
def test_what_is_no_event_is_refused(fields: dict[str, object]) -> None:
    """With an error that a reader of a garbled file can catch."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        event_from_json(fields)


def test_an_error_becomes_a_failure() -> None:
    """Message, remedy and exit code go along."""
    assert make_failed_event(StoreNotFoundError("No store.", "Make one.")) == Failed(
        "No store.", "Make one.", 4
    )


def test_every_field_of_every_event_is_described() -> None:
    """docs/reference/events.md names all that a program can find in a line."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "events.md").read_text()
    fields = {name for event in EVENTS for name in event_as_json(event)}
    described = [f"`{name}`" in text for name in sorted(fields)]

    assert all(described), sorted(fields)
    assert all(f"## {event.event}" in text for event in EVENTS)
