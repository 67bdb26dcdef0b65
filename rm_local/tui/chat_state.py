"""The state of the chat, without widgets: current turn, pending question, marked hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from rm_local.loop import Turn, apply_event, create_initial_turn_state
from rm_local.records import EntryKey, Hit
from rm_local.sessions import SessionRuntime, list_conversation_turn_numbers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rm_local.engine import ModelInfo
    from rm_local.library import FirstSteps
    from rm_local.loop import Author, Event, RunEvent, TurnControl, TurnOverrides


class Backend(SessionRuntime, Protocol):
    """The interface of `rm_local.runtime.Runtime` for the app."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def entries(self) -> int | None: ...

    def watch_events_between_turns(self) -> AsyncGenerator[RunEvent, None]: ...

    async def load_model(self) -> ModelInfo: ...

    async def ensure_stores_and_embedder_open(self) -> object: ...

    async def find_first_steps_unless_model_named(self) -> FirstSteps | None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HitMarks:
    """The hits pinned or dropped by the user for the next try of a turn, by key. Immutable."""

    pinned: dict[EntryKey, Hit] = field(default_factory=dict)
    dropped: dict[EntryKey, Hit] = field(default_factory=dict)

    def toggle_pin(self, hit: Hit) -> HitMarks:
        """Return the marks with `hit` pinned, or unpinned if it was pinned."""
        return HitMarks(_toggle_mark(self.pinned, hit), _remove_mark(self.dropped, hit))

    def toggle_drop(self, hit: Hit) -> HitMarks:
        """Return the marks with `hit` dropped, or restored if it was dropped."""
        return HitMarks(_remove_mark(self.pinned, hit), _toggle_mark(self.dropped, hit))

    def append_missing_marked_hits(self, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Return `hits`, followed by the marked hits that are not among them."""
        found = {hit.key for hit in hits}
        marked = (self.pinned | self.dropped).values()
        return (*hits, *(hit for hit in marked if hit.key not in found))


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that is yet to be solved: a new question, or a repeated one with changes."""

    question: str
    subproblem: str | None = None
    marks: HitMarks = HitMarks()
    seed: int = 0
    """A different seed samples different branches under the same hits."""
    after: int | None = None
    """Number of the turn that the question follows; 0 = no turn; None = the turn that is current at
    the start of the new turn."""
    author: Author = "user"
    """Author of `subproblem`: the user, the model, or the question itself."""

    def build_overrides(self) -> TurnOverrides:
        """Return subproblem, marks, seed and author as overrides for `Session.ask`."""
        from rm_local.loop import TurnOverrides

        pinned = tuple(self.marks.pinned.values())
        dropped = frozenset(self.marks.dropped)
        return TurnOverrides(self.subproblem, pinned, dropped, self.seed, author=self.author)


class ChatState:
    """State of the chat screen: the current turn and at most one pending question.

    The next question follows the current turn. Turns of the same session that are not its
    lineage belong to other forks.
    """

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._marks = HitMarks()
        self._edit_parent: int | None = None
        self._pending: PendingQuestion | None = None
        self._control: TurnControl | None = None
        self._parents: dict[int, int] = {}
        self._highest_seed = 0

    @property
    def turn(self) -> Turn | None:
        """The current turn; None before the first."""
        return self._turn

    @property
    def marks(self) -> HitMarks:
        """The hits that the user marked in the current turn."""
        return self._marks

    @property
    def pending(self) -> PendingQuestion | None:
        """The question that waits for the running turn or for the model; None without one."""
        return self._pending

    @property
    def edit_parent(self) -> int | None:
        """Number of the turn that the edited question follows; 0 = no turn; None = no edit."""
        return self._edit_parent

    @property
    def is_turn_running(self) -> bool:
        """Whether a turn is running."""
        return self._control is not None

    @property
    def lineage(self) -> frozenset[int]:
        """Numbers of the current turn and of all its ancestors; empty before the first turn."""
        if self._turn is None:
            return frozenset()
        return frozenset(
            (self._turn.number, *list_conversation_turn_numbers(self._parents, self._turn.after))
        )

    def start_turn(self, pending: PendingQuestion, now: float) -> TurnControl:
        """Make a turn of `pending` the current one; return the control that can stop it.

        The caller asks the question. The marks of `pending` replace those of the turn before.
        """
        from rm_local.loop import TurnControl

        self._turn = create_initial_turn_state(
            pending.question, now, after=self._choose_parent_turn_number(pending)
        )
        self._marks = pending.marks
        self._highest_seed = max(self._highest_seed, pending.seed)
        self._control = TurnControl()
        return self._control

    def _choose_parent_turn_number(self, pending: PendingQuestion) -> int:
        """Return the number of the turn that `pending` follows; 0 = no turn.

        It is the turn `pending.after`; without one the current turn, or, if this has no number, the
        turn before it.
        """
        if pending.after is not None:
            return pending.after
        return (self._turn.number or self._turn.after) if self._turn else 0

    def apply_event_and_set_number(self, event: Event, now: float, number: int = 0) -> None:
        """Apply an event to the current turn and set its number in the session; 0 = none yet.

        No effect before the first turn.
        """
        if self._turn is None:
            return
        self._turn = apply_event(replace(self._turn, number=number), event, now)
        if number:
            self._parents[number] = self._turn.after

    def end_turn_and_take_pending(self) -> PendingQuestion | None:
        """Mark the turn as ended; return the pending question, if any, and forget it."""
        self._control = None
        return self._take_pending()

    def stop_turn_and_take_pending(self) -> PendingQuestion | None:
        """Stop the turn; return the pending question, so that no typed text is lost."""
        if self._control is not None:
            self._control.stop()
        return self._take_pending()

    def replace_pending_question(self, pending: PendingQuestion) -> PendingQuestion | None:
        """Make `pending` the pending question; return the previous one, if any."""
        replaced, self._pending = self._pending, pending
        return replaced

    def build_retry_question(self, subproblem: str | None = None) -> PendingQuestion | None:
        """Return the current question, to be asked again with the marks and a new seed.

        None before the first turn. Without a `subproblem` from the user, the question keeps the
        turn's subproblem and its author.
        """
        turn = self._turn
        if turn is None:
            return None
        author: Author = "user"
        if not subproblem and turn.has_complete_subproblem:
            subproblem, author = turn.subproblem, turn.author
        return PendingQuestion(
            turn.question,
            subproblem or None,
            self._marks,
            self._highest_seed + 1,
            turn.after,
            author,
        )

    def toggle_pin(self, hit: Hit) -> None:
        """Pin the hit, or unpin it."""
        self._marks = self._marks.toggle_pin(hit)

    def toggle_drop(self, hit: Hit) -> None:
        """Drop the hit, or restore it."""
        self._marks = self._marks.toggle_drop(hit)

    def begin_edit_and_remember_parent(self) -> None:
        """Begin the editing of the current question; sets `edit_parent`."""
        self._edit_parent = self._turn.after if self._turn else None

    def end_edit_and_take_parent(self) -> int | None:
        """End the editing of a question; return the last value of `edit_parent`."""
        replaced, self._edit_parent = self._edit_parent, None
        return replaced

    def select_turn_and_clear_marks(self, turn: Turn) -> None:
        """Make an earlier turn the current one, without marked hits."""
        self._turn, self._marks = turn, HitMarks()

    def replace_by_saved_turns(self, turns: Iterable[Turn]) -> None:
        """Replace the state by the turns of a saved session; the last becomes the current turn."""
        self.reset_to_empty_chat()
        for turn in turns:
            self._parents[turn.number] = turn.after
            self._turn = turn
        self._highest_seed = len(self._parents)

    def reset_to_empty_chat(self) -> None:
        """Return to the state before the first question."""
        self._turn, self._marks, self._pending, self._edit_parent = None, HitMarks(), None, None
        self._highest_seed, self._parents = 0, {}

    def _take_pending(self) -> PendingQuestion | None:
        """Return the pending question, if any, and forget it."""
        waiting, self._pending = self._pending, None
        return waiting


def _toggle_mark(marked: dict[EntryKey, Hit], hit: Hit) -> dict[EntryKey, Hit]:
    """Return a copy of `marked` without the hit if it contains the hit, else with it."""
    return _remove_mark(marked, hit) if hit.key in marked else marked | {hit.key: hit}


def _remove_mark(marked: dict[EntryKey, Hit], hit: Hit) -> dict[EntryKey, Hit]:
    return {key: kept for key, kept in marked.items() if key != hit.key}
