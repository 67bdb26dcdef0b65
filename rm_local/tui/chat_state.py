"""What the app knows beside its widgets: the turn that runs, what waits, what the user marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from rm_local.records import Hit
from rm_local.sessions.turn_tree import lineage
from rm_local.tui.turn_view import TurnView, begin, reduce

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from rm_local.engine.protocol import ModelInfo
    from rm_local.loop.control import TurnControl, TurnOverrides
    from rm_local.loop.events import Event
    from rm_local.loop.plan import Plan
    from rm_local.records import Trace


class Host(Protocol):
    """What the app needs of `rm_local.runtime.Runtime`."""

    warn: Callable[[str], None]
    on_unload: Callable[[], object]

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def entries(self) -> int | None: ...

    @property
    def turn(self) -> int: ...

    async def load_model(self, on_progress: Callable[[float], None] | None = None) -> ModelInfo: ...

    async def open_memory(self) -> object: ...

    def solve(
        self,
        question: str,
        plan: Plan,
        *,
        steering: TurnOverrides,
        control: TurnControl | None = None,
        after: int = 0,
    ) -> AsyncIterator[Event]: ...

    def new_session(self) -> None: ...

    def resume(self, path: Path) -> Sequence[Trace]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Marks:
    """Hits that the user pinned or dropped in the current turn, by the number of their entry."""

    pinned: dict[int, Hit] = field(default_factory=dict)
    dropped: dict[int, Hit] = field(default_factory=dict)

    def pin(self, hit: Hit) -> Marks:
        """With `hit` pinned, or no longer so if it was."""
        return Marks(_toggled(self.pinned, hit), _without(self.dropped, hit))

    def drop(self, hit: Hit) -> Marks:
        """With `hit` dropped, or no longer so if it was."""
        return Marks(_without(self.pinned, hit), _toggled(self.dropped, hit))

    def listed(self, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """The hits, and behind them the marked ones that are not among them."""
        found = {hit.entry.id for hit in hits}
        marked = (self.pinned | self.dropped).values()
        return (*hits, *(hit for hit in marked if hit.entry.id not in found))


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to solve: afresh, or again under what the user changed."""

    question: str
    subproblem: str | None = None
    marks: Marks = Marks()
    seed: int = 0
    """Another one draws other branches under the same hits."""
    after: int | None = None
    """Number of the turn that it follows, 0 for none; None = the current one, when it is asked."""

    def steering(self) -> TurnOverrides:
        """The same as the loop wants it."""
        from rm_local.loop.control import TurnOverrides

        pinned, dropped = tuple(self.marks.pinned.values()), frozenset(self.marks.dropped)
        return TurnOverrides(self.subproblem, pinned, dropped, self.seed)


class Conversation:
    """One turn at a time; at most one more question waits.

    The current turn is the one that the next question follows. Turns of the same session that it
    does not come from are aside: other forks.
    """

    def __init__(self) -> None:
        self.turn: TurnView | None = None
        self.marks = Marks()
        self.instead: int | None = None
        """What the question follows that is written in the place of an old one; None = there is
        no such question."""
        self._seed = 0
        """The highest that was drawn with."""
        self._follows: dict[int, int] = {}
        self.waiting: Ask | None = None
        self.control: TurnControl | None = None

    @property
    def running(self) -> bool:
        """Whether a turn is under way."""
        return self.control is not None

    def begin(self, ask: Ask, now: float) -> TurnControl:
        """Start the turn of `ask`; the control stops it."""
        from rm_local.loop.control import TurnControl

        self.turn = begin(ask.question, now, self._place(ask))
        self.marks, self._seed = ask.marks, max(self._seed, ask.seed)
        self.control = TurnControl()
        return self.control

    def _place(self, ask: Ask) -> int:
        if ask.after is not None:
            return ask.after
        return (self.turn.number or self.turn.after) if self.turn else 0

    def take(self, event: Event, now: float, number: int = 0) -> None:
        """Move the turn on; `number` is what the session calls it."""
        if self.turn is not None:
            self.turn = reduce(replace(self.turn, number=number), event, now)
        if self.turn is not None and number:
            self._follows[number] = self.turn.after

    def go_back(self, view: TurnView) -> None:
        """Make an earlier turn the current one."""
        self.turn, self.marks = view, Marks()

    def reopen(self, views: Iterable[TurnView]) -> None:
        """Take up a saved session; its last turn becomes the current one."""
        self.forget()
        for view in views:
            self._follows[view.number] = view.after
            self.turn = view
        self._seed = len(self._follows)

    @property
    def behind(self) -> frozenset[int]:
        """Numbers of the turns that the current one comes from, and its own."""
        if self.turn is None:
            return frozenset()
        return frozenset((self.turn.number, *lineage(self._follows, self.turn.after)))

    def end(self) -> Ask | None:
        """The turn's events are over; what waited is handed out."""
        self.control = None
        waiting, self.waiting = self.waiting, None
        return waiting

    def stop(self) -> Ask | None:
        """Stop the turn; what waited is handed back, so that nothing typed is lost."""
        if self.control is not None:
            self.control.stop()
        waiting, self.waiting = self.waiting, None
        return waiting

    def again(self, subproblem: str | None = None) -> Ask | None:
        """The same question, drawn anew, under the subproblem given or standing, and the marks."""
        if self.turn is None:
            return None
        named = subproblem or self.turn.subproblem or None
        return Ask(self.turn.question, named, self.marks, self._seed + 1, self.turn.after)

    def forget(self) -> None:
        """As new."""
        self.turn, self.marks, self.waiting, self.instead = None, Marks(), None, None
        self._seed, self._follows = 0, {}


def _toggled(marked: dict[int, Hit], hit: Hit) -> dict[int, Hit]:
    return _without(marked, hit) if hit.entry.id in marked else marked | {hit.entry.id: hit}


def _without(marked: dict[int, Hit], hit: Hit) -> dict[int, Hit]:
    return {number: kept for number, kept in marked.items() if number != hit.entry.id}
