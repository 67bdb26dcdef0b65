"""Scripts of turns with fixed times for the app's tests, and helpers that drive the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from rm_local.engine.branches import ContextUsage, Part, TokenChunk
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Formulated,
    Formulating,
    Retrieved,
)
from rm_local.loop.plan import DEFAULT_PLAN
from rm_local.loop.turn import Turn, apply_event, create_initial_turn_state
from rm_local.records import Answer, Branch, Entry, Hit, StopReason
from rm_local.sessions import Journal, SavedSession
from rm_local.tui.app import RmLocalApp
from tests.support import fakes
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import FakeEngine
from tests.support.folders import path_of
from tests.support.watchdog import HANG_SECONDS

SIZE = (120, 36)
QUESTION = "A recipe needs 3/4 cup of flour and 5/6 cup of sugar. How many cups is that together?"
MORE = "And with 7/8 cup of milk?"
SUBPROBLEM = "How do I add two fractions with different denominators?"
INFO = replace(
    fakes.INFO, path="rm-nano-q8_0.gguf", name="rm-nano", context=2048, trained_context=2048
)


def _hit(id: int, similarity: float, subproblem: str, subroutine: str, source: str) -> Hit:
    return Hit(Entry(subproblem, subroutine, "math", source, id=id), similarity)


HITS = (
    _hit(
        17,
        0.93,
        "How do I add two fractions with different denominators?",
        "For problems like this, I should first find a common denominator: the least common "
        "multiple of both. Then I rewrite each fraction over it, by multiplying above and below "
        "with the same number.\n\nI add the numerators and keep the denominator. At the end I look "
        "for a common factor of both and divide it out.",
        "curriculum/fraction-sum",
    ),
    _hit(
        204,
        0.71,
        "How do I find the least common multiple of two numbers?",
        "For problems like this, I should go through the multiples of the larger number until one "
        "of them can be divided by the smaller.",
        "hand/number-theory",
    ),
    _hit(
        88,
        0.42,
        "How do I reduce a fraction to lowest terms?",
        "For problems like this, I should divide numerator and denominator by their greatest "
        "common divisor.",
        "hand/algebra",
    ),
)
THOUGHTS = (
    "The denominators are 4 and 6. Their least common multiple is 12. 3/4 is 9/12, and 5/6 is "
    "10/12. Together that is 19/12. 19 and 12 have no common factor, so it stays.",
    "Multiples of 6: 6, 12. 12 can be divided by 4, so I take 12. 3/4 = 9/12 and 5/6 = 10/12, "
    "so the sum is 19/12.",
    "3 + 5 is 8 and 4 + 6 is 10, so that would be 8/10. I divide by 2 and get 4/5.",
)
SAYINGS = ("3/4 + 5/6 = 19/12 cups.\nAnswer: 19/12", "Answer: 19/12", "Answer: 4/5")
RESULTS = ("19/12", "19/12", "4/5")


def formulation() -> list[Event]:
    """The subproblem, word by word."""
    words = SUBPROBLEM.split(" ")
    pieces = [words[0], *(f" {word}" for word in words[1:])]
    written = map(Formulating, pieces)
    return [Formulating(""), used(26), *written, used(42), Formulated(SUBPROBLEM, 0.42)]


def used(tokens: int) -> ContextUsage:
    """So many tokens of the context are taken."""
    return ContextUsage(tokens, tokens, INFO.context)


def retrieval(hits: tuple[Hit, ...] = HITS) -> list[Event]:
    """The hits."""
    return [Retrieved(hits, 0.013)]


def tokens(branch: int, part: Part, text: str, before: int = 0) -> list[Event]:
    """`text` word by word, a word a token; `before` words were written already."""
    words = text.split(" ")
    pieces = [word if i == 0 else f" {word}" for i, word in enumerate(words)]
    return [TokenChunk(branch, part, piece, before + i + 1) for i, piece in enumerate(pieces)]


def reasoning(branches: int = 6) -> list[Event]:
    """All branches begin and think half way."""
    events: list[Event] = [BranchStarted(i, HITS[i % 3], i) for i in range(branches)]
    events.append(used(303))
    for i in range(branches):
        thought = THOUGHTS[i % 3]
        events += tokens(i, "thinking", thought[: len(thought) // 2])
    return events


def finished(index: int, stop: StopReason = "end") -> BranchFinished:
    """One branch's end."""
    kind = index % 3
    cut = stop == "cancelled"
    thought = THOUGHTS[kind][: len(THOUGHTS[kind]) // 2] if cut else THOUGHTS[kind]
    said, result = ("", None) if cut else (SAYINGS[kind], RESULTS[kind])
    written = len(thought.split()) + len(said.split())
    branch = Branch(index, HITS[kind], index, thought, said, result, written, written / 20, stop)
    return BranchFinished(branch)


def answer(agreed: int, branches: int) -> Answered:
    """The vote's outcome."""
    return Answered(Answer(SAYINGS[0], "19/12", 0, agreed, branches, (17, 204), 212, 2.6))


def whole(branches: int = 6) -> list[Event]:
    """A turn from its first event to its answer."""
    ends: list[Event] = [finished(i, "outvoted" if i == 5 else "end") for i in range(branches)]
    last: list[Event] = [used(380), answer(4, branches)]
    return [*formulation(), *retrieval(), *reasoning(branches), *ends, *last]


def halted(branches: int = 6) -> list[Event]:
    """What follows when the user stops: branch 0 was done, the others are cut."""
    ends: list[Event] = [finished(i, "cancelled") for i in range(1, branches)]
    return [finished(0), *ends, answer(1, branches)]


def scripted(events: Sequence[Event] = (), **parts: Any) -> FakeRuntime:
    """A runtime that plays `events`, with a model like rm-nano and a store of 1,204 entries.

    `loading` holds the model back at 45 % until it is set; `parts` are FakeRuntime's others.
    """
    engine = FakeEngine(info=INFO, loading=parts.pop("loading", None), held_at=0.45)
    return FakeRuntime(engine, events=list(events), entries=1204, **parts)


def saved_turns() -> list[Turn]:
    """Two turns, the second of which follows the first."""
    turns = []
    for number, question in enumerate((QUESTION, MORE), 1):
        turn = create_initial_turn_state(
            question, 0.0, plan="memory", number=number, after=number - 1
        )
        for event in saved_events():
            turn = apply_event(turn, event, 0.0)
        turns.append(turn)
    return turns


def saved_events() -> list[Event]:
    """The events of each saved turn."""
    ends = [finished(index) for index in range(3)]
    return [Formulated(SUBPROBLEM, 0.42), *retrieval(), *ends, answer(2, 3)]


def save_session(folder: Path) -> Path:
    """The file of a session with the two turns."""
    journal = Journal(folder, model="fake.gguf", store="fake.rms")
    for number, question in enumerate((QUESTION, MORE), 1):
        journal.write_question(question, "memory", turn=number, after=number - 1)
        for event in saved_events():
            journal.write_event(event)
    journal.close()
    return path_of(journal)


class FakeSessionReader:
    """`rm_local.sessions` with two saved sessions."""

    def list_sessions(self) -> list[SavedSession]:
        """Newest first."""
        return [
            _saved("b", datetime(2026, 3, 2, 9, 30), QUESTION, 1),
            _saved("a", datetime(2026, 3, 1, 18, 5), "Is 91 a prime number?", 3),
        ]

    def read_session_turns(self, path: Path) -> list[Turn]:
        """One turn in the first file, two in the second."""
        return saved_turns()[:1] if path.name == "b.jsonl" else saved_turns()


def _saved(id: str, started: datetime, question: str, turns: int) -> SavedSession:
    return SavedSession(id, Path(f"{id}.jsonl"), started, question, turns, "", "answered")


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app work until `holds`. TimeoutError when it hangs."""
    async with asyncio.timeout(HANG_SECONDS):
        while not holds():
            await pilot.pause(0.01)
        await pilot.pause()


async def ask(pilot: Pilot[None], question: str = QUESTION) -> None:
    """Type the question into the prompt and press Enter."""
    prompt = pilot.app.screen.query_one("#prompt", TextArea)
    prompt.focus()
    prompt.text = question
    await pilot.press("enter")


def shown(app: App[None], selector: str) -> str:
    """The plain text of one line of the screen, as drawn last."""
    return str(app.screen.query_one(selector, Static).render())


def opened(runtime: Any, plan: str = DEFAULT_PLAN) -> RmLocalApp:
    """The app over `runtime`, with a clock that stands still."""
    return RmLocalApp(runtime, plan=plan, clock=lambda: 0.0)


def turn(app: RmLocalApp) -> Turn:
    """The current turn, which there has to be."""
    assert app.chat.state.turn is not None
    return app.chat.state.turn


def ended(app: RmLocalApp) -> bool:
    """Whether a turn was begun and is over."""
    return app.chat.state.turn is not None and not app.chat.state.is_turn_running


def followed(app: RmLocalApp) -> list[int]:
    """The turn that each turn of the session follows, in the order in which they were asked."""
    return [*app.chat.session.parents.values()]
