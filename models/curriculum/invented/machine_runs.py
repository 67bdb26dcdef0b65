"""The record of a run of a small machine, and the wording of its rules and events."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from models.curriculum.invented.posing import WorkedSteps
from models.curriculum.invented.prose import capitalize_first, join_list

Rng = random.Random


@dataclass(frozen=True, slots=True)
class MachineRun:
    """A machine with its rules, put through a sequence of events."""

    thing: str
    asked: str
    """What is asked about it, such as `final count`."""
    what: str
    """Name of the changing state, such as `count`."""
    start: str
    """Clause about the initial state: `the count is 4`."""
    rules: tuple[tuple[str, str], ...]
    """Pairs of an event and its effect, a clause: `2 is added to the count`."""
    facts: tuple[str, ...]
    """Sentences with rules that belong to no single event."""
    events: tuple[str, ...]
    working: WorkedSteps
    answer: str


def phrase_rules(rng: Rng, run: MachineRun) -> tuple[str, ...]:
    """Return the rules as sentences, in one of several styles."""
    rules = rng.sample(run.rules, len(run.rules))
    match rng.randrange(6):
        case 0:
            stated = [f"With {_add_article(event)}, {effect}." for event, effect in rules]
        case 1:
            stated = [f"When {_add_article(event)} comes, {effect}." for event, effect in rules]
        case 2:
            stated = [f"Rules: {'; '.join(f'{event} - {effect}' for event, effect in rules)}."]
        case 3:
            stated = [f"{capitalize_first(event)} means that {effect}." for event, effect in rules]
        case 4:
            stated = [f"If the event is {event}, {effect}." for event, effect in rules]
        case _:
            stated = [f"{capitalize_first(event)}: {effect}." for event, effect in rules]
    if run.facts and rng.random() < 0.3:
        return (*run.facts, *stated)
    return (*stated, *run.facts)


def phrase_events(rng: Rng, events: Sequence[str]) -> str:
    """Return the events in their order, listed in one of several styles."""
    style = rng.random()
    if style < 0.45:
        return ", ".join(events)
    if style < 0.6:
        return " - ".join(events)
    if style < 0.7:
        return ", then ".join(events)
    return join_list(events)


def draw_events(rng: Rng, kinds: Sequence[str], least: int = 3, most: int = 7) -> tuple[str, ...]:
    """Draw a sequence of `least` to `most` events, of at least two kinds if there are two."""
    while True:
        events = tuple(rng.choice(kinds) for _ in range(rng.randint(least, most)))
        if len(set(events)) > 1 or len(kinds) == 1:
            return events


def _add_article(event: str) -> str:
    if len(event) == 1:
        return event
    return f"an {event}" if event[0] in "aeiou" else f"a {event}"
