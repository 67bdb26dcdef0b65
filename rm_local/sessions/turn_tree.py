"""The tree of the turns of a session, and the conversation that leads to a turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rm_local.engine import Message
from rm_local.errors import UsageError
from rm_local.loop import Answered, Event, Turn, answer_text


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Question and answer of a turn, for later turns to read."""

    question: str
    answer: str
    """The answer; empty without an answer."""
    after: int


class TurnTree:
    """The turns of one session. Each turn follows one other turn or none."""

    def __init__(self, saved: Iterable[Turn] = ()) -> None:
        self._turns = {
            turn.number: _Exchange(
                turn.question, answer_text(turn.answer) if turn.answer else "", turn.after
            )
            for turn in saved
        }

    @property
    def last(self) -> int:
        """Number of the most recent turn; 0 before the first."""
        return max(self._turns, default=0)

    @property
    def parents(self) -> dict[int, int]:
        """Maps the number of each turn to the number of the turn that it follows; 0 = none."""
        return {number: turn.after for number, turn in self._turns.items()}

    def add_turn(self, question: str, after: int = 0) -> int:
        """Add a turn that follows turn `after` (0 = none); return the number of the new turn.

        Raises:
            UsageError: There is no turn `after`.
        """
        if after and after not in self._turns:
            raise UsageError(
                f"This session has no turn {after}.", "`rm-local sessions show` numbers them."
            )
        number = self.last + 1
        self._turns[number] = _Exchange(question, "", after)
        return number

    def record_event(self, number: int, event: Event) -> None:
        """Record an event of the turn `number`."""
        if isinstance(event, Answered):
            turn = self._turns[number]
            self._turns[number] = replace(turn, answer=answer_text(event.answer))

    def list_messages(self, after: int) -> tuple[Message, ...]:
        """List the questions and answers up to the turn `after`, oldest first; empty for 0.

        Turns without an answer are skipped: templates require questions and answers to alternate.
        """
        turns = (self._turns[number] for number in trace_lineage(self.parents, after))
        return tuple(
            message
            for turn in turns
            if turn.answer
            for message in (Message("user", turn.question), Message("assistant", turn.answer))
        )


def trace_lineage(parents: Mapping[int, int], number: int) -> tuple[int, ...]:
    """List the turns of the conversation that ends with turn `number`, oldest first.

    `parents` maps a turn to the turn before it; 0 or an unknown number begins a conversation.
    """
    found: list[int] = []
    while number in parents and number not in found:
        found.append(number)
        number = parents[number]
    return tuple(reversed(found))
