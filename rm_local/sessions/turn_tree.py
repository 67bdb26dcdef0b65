"""The tree of a session's turns, and the conversation that ends with one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rm_local.engine import Message
from rm_local.errors import UsageError
from rm_local.loop import Answered, Event, Turn, get_answer_text_or_result


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Question and answer of a turn: the part of it that the prompts of later turns contain."""

    question: str
    answer: str
    """The text of the answer; empty until the turn has one."""
    after: int
    """Number of the turn that this one follows; 0 = none."""


class TurnTree:
    """The turns of one session by number; each turn follows one other turn or none."""

    def __init__(self, saved: Iterable[Turn] = ()) -> None:
        self._turns = {
            turn.number: _Exchange(
                turn.question,
                get_answer_text_or_result(turn.answer) if turn.answer else "",
                turn.after,
            )
            for turn in saved
        }

    @property
    def last_turn_number(self) -> int:
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
        number = self.last_turn_number + 1
        self._turns[number] = _Exchange(question, "", after)
        return number

    def record_answer_if_answered(self, number: int, event: Event) -> None:
        """Keep the answer of turn `number` if `event` is `Answered`; ignore every other event."""
        if isinstance(event, Answered):
            turn = self._turns[number]
            self._turns[number] = replace(turn, answer=get_answer_text_or_result(event.answer))

    def list_answered_messages(self, after: int) -> tuple[Message, ...]:
        """List the conversation that ends with the turn `after`, as messages; empty for 0.

        Questions and answers alternate, oldest first: turns without an answer are skipped, since
        chat templates require this.
        """
        turns = (
            self._turns[number] for number in list_conversation_turn_numbers(self.parents, after)
        )
        return tuple(
            message
            for turn in turns
            if turn.answer
            for message in (Message("user", turn.question), Message("assistant", turn.answer))
        )


def list_conversation_turn_numbers(parents: Mapping[int, int], number: int) -> tuple[int, ...]:
    """List the numbers of the turns in the conversation that ends with `number`, oldest first.

    `parents` maps the number of each turn to that of the turn before it; 0 = none.
    """
    found: list[int] = []
    while number in parents and number not in found:
        found.append(number)
        number = parents[number]
    return tuple(reversed(found))
