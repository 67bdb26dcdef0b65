"""The chat without its widgets: the current turn, the question that waits, what the user marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from rm_local.loop import Turn, apply_event, begin_turn
from rm_local.records import Hit
from rm_local.sessions import Solver, trace_lineage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rm_local.engine import ModelInfo
    from rm_local.loop import Author, Event, RunEvent, TurnControl, TurnOverrides


class Backend(Solver, Protocol):
    """What the app needs of `rm_local.runtime.Runtime`."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def entries(self) -> int | None: ...

    def watch(self) -> AsyncGenerator[RunEvent, None]: ...

    async def load_model(self) -> ModelInfo: ...

    async def open_store(self) -> object: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HitMarks:
    """Hits that the user pinned or dropped in the current turn, by the number of their entry."""

    pinned: dict[int, Hit] = field(default_factory=dict)
    dropped: dict[int, Hit] = field(default_factory=dict)

    def pin(self, hit: Hit) -> HitMarks:
        """With `hit` pinned, or no longer so if it was."""
        return HitMarks(_toggled(self.pinned, hit), _without(self.dropped, hit))

    def drop(self, hit: Hit) -> HitMarks:
        """With `hit` dropped, or no longer so if it was."""
        return HitMarks(_without(self.pinned, hit), _toggled(self.dropped, hit))

    def listed(self, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """The hits, followed by the marked ones that are not among them."""
        found = {hit.entry.id for hit in hits}
        marked = (self.pinned | self.dropped).values()
        return (*hits, *(hit for hit in marked if hit.entry.id not in found))


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question to solve: a new one, or the old one with what the user changed."""

    question: str
    subproblem: str | None = None
    marks: HitMarks = HitMarks()
    seed: int = 0
    """Another one draws other branches under the same hits."""
    after: int | None = None
    """Number of the turn that it follows, 0 for none; None = the one that is current when it is
    asked."""
    author: Author = "user"
    """Whose the subproblem is."""

    def overrides(self) -> TurnOverrides:
        """The same as the loop takes it."""
        from rm_local.loop import TurnOverrides

        pinned, dropped = tuple(self.marks.pinned.values()), frozenset(self.marks.dropped)
        return TurnOverrides(self.subproblem, pinned, dropped, self.seed, author=self.author)


class ChatState:
    """One turn at a time; at most one more question waits.

    The current turn is the one that the next question follows. Turns of the same session that it
    does not come from belong to other forks.
    """

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._marks = HitMarks()
        self._replaces: int | None = None
        self._waiting: PendingQuestion | None = None
        self._control: TurnControl | None = None
        self._parents: dict[int, int] = {}
        self._highest_seed = 0

    @property
    def turn(self) -> Turn | None:
        """The current turn; None before the first."""
        return self._turn

    @property
    def marks(self) -> HitMarks:
        """What the user marked in the current turn."""
        return self._marks

    @property
    def waiting(self) -> PendingQuestion | None:
        """The question that is asked when the running turn has ended or the model is loaded."""
        return self._waiting

    @property
    def replaces(self) -> int | None:
        """What the question follows that is being edited in the place of an old one, 0 for none;
        None while no question is edited."""
        return self._replaces

    @property
    def running(self) -> bool:
        """Whether a turn is under way."""
        return self._control is not None

    @property
    def ancestors(self) -> frozenset[int]:
        """Numbers of the turns that the current one comes from, and its own."""
        if self._turn is None:
            return frozenset()
        return frozenset((self._turn.number, *trace_lineage(self._parents, self._turn.after)))

    def begin(self, pending: PendingQuestion, now: float) -> TurnControl:
        """Start the turn of this question; the control stops it."""
        from rm_local.loop import TurnControl

        self._turn = begin_turn(pending.question, now, after=self._parent_of(pending))
        self._marks = pending.marks
        self._highest_seed = max(self._highest_seed, pending.seed)
        self._control = TurnControl()
        return self._control

    def _parent_of(self, pending: PendingQuestion) -> int:
        if pending.after is not None:
            return pending.after
        return (self._turn.number or self._turn.after) if self._turn else 0

    def apply(self, event: Event, now: float, number: int = 0) -> None:
        """Apply an event of the running turn, whose number in its session is `number`."""
        if self._turn is None:
            return
        self._turn = apply_event(replace(self._turn, number=number), event, now)
        if number:
            self._parents[number] = self._turn.after

    def end(self) -> PendingQuestion | None:
        """Note that the turn's events are over; the question that waited."""
        self._control = None
        return self._take_waiting()

    def stop(self) -> PendingQuestion | None:
        """Stop the turn; the question that waited, so that nothing typed is lost."""
        if self._control is not None:
            self._control.stop()
        return self._take_waiting()

    def queue(self, pending: PendingQuestion) -> PendingQuestion | None:
        """Let this question wait; the one that waited before it."""
        replaced, self._waiting = self._waiting, pending
        return replaced

    def retry(self, subproblem: str | None = None) -> PendingQuestion | None:
        """The current question with another seed, the marks, and the user's subproblem, or without
        one the turn's, whose author stays; None before the first turn."""
        turn = self._turn
        if turn is None:
            return None
        author: Author = "user"
        if not subproblem and turn.named:
            subproblem, author = turn.subproblem, turn.author
        return PendingQuestion(
            turn.question,
            subproblem or None,
            self._marks,
            self._highest_seed + 1,
            turn.after,
            author,
        )

    def pin(self, hit: Hit) -> None:
        """Pin the hit, or take that back."""
        self._marks = self._marks.pin(hit)

    def drop(self, hit: Hit) -> None:
        """Drop the hit, or take that back."""
        self._marks = self._marks.drop(hit)

    def begin_edit(self) -> None:
        """Let the next question take the place of the current turn's."""
        self._replaces = self._turn.after if self._turn else None

    def end_edit(self) -> int | None:
        """Edit no question any longer; what `replaces` was."""
        replaced, self._replaces = self._replaces, None
        return replaced

    def select(self, turn: Turn) -> None:
        """Make an earlier turn the current one."""
        self._turn, self._marks = turn, HitMarks()

    def load(self, turns: Iterable[Turn]) -> None:
        """Replace everything by the turns of a saved session; the last becomes the current one."""
        self.clear()
        for turn in turns:
            self._parents[turn.number] = turn.after
            self._turn = turn
        self._highest_seed = len(self._parents)

    def clear(self) -> None:
        """Return to the state before the first question."""
        self._turn, self._marks, self._waiting, self._replaces = None, HitMarks(), None, None
        self._highest_seed, self._parents = 0, {}

    def _take_waiting(self) -> PendingQuestion | None:
        waiting, self._waiting = self._waiting, None
        return waiting


def _toggled(marked: dict[int, Hit], hit: Hit) -> dict[int, Hit]:
    return _without(marked, hit) if hit.entry.id in marked else marked | {hit.entry.id: hit}


def _without(marked: dict[int, Hit], hit: Hit) -> dict[int, Hit]:
    return {number: kept for number, kept in marked.items() if number != hit.entry.id}
