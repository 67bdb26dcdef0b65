"""Which turn of a session follows which, and what a conversation has come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rm_local.engine.protocol import Message
from rm_local.errors import UsageError
from rm_local.loop.events import Answered, Event
from rm_local.records import Answer, Trace


@dataclass(frozen=True, slots=True)
class _Said:
    """What later turns read of a turn: thoughts, hints and the other branches are left out."""

    question: str
    answer: str
    """Empty while there is none."""
    after: int


class Turns:
    """The turns of one session. Each follows another or none, so that they form trees."""

    def __init__(self, saved: Iterable[Trace] = ()) -> None:
        self._said = {
            trace.number: _Said(trace.question, _text(trace.answer), trace.after) for trace in saved
        }

    @property
    def last(self) -> int:
        """Number of the turn that was asked last; 0 when there is none."""
        return max(self._said, default=0)

    def ask(self, question: str, after: int = 0) -> int:
        """A turn begins behind `after`, 0 for none; its number. UsageError: no such turn."""
        if after and after not in self._said:
            raise UsageError(
                f"This session has no turn {after}.", "`rm-local sessions show` numbers them."
            )
        number = self.last + 1
        self._said[number] = _Said(question, "", after)
        return number

    def take(self, event: Event) -> None:
        """Something has happened in the turn that was asked last."""
        if isinstance(event, Answered):
            said = self._said[self.last]
            self._said[self.last] = replace(said, answer=_text(event.answer))

    def history(self, after: int) -> tuple[Message, ...]:
        """Questions and chosen answers up to the turn `after`, oldest first; none for 0.

        A turn without an answer is passed over: templates want questions and answers in turn.
        """
        follows = {number: said.after for number, said in self._said.items()}
        said = (self._said[number] for number in lineage(follows, after))
        return tuple(
            message
            for each in said
            if each.answer
            for message in (Message("user", each.question), Message("assistant", each.answer))
        )


def lineage(follows: Mapping[int, int], number: int) -> tuple[int, ...]:
    """The turns of the conversation that ends with turn `number`, oldest first.

    `follows`: what each turn follows, by its number; 0 or a number that is not in it ends the way.
    """
    found: list[int] = []
    while number in follows and number not in found:
        found.append(number)
        number = follows[number]
    return tuple(reversed(found))


def _text(answer: Answer | None) -> str:
    """What was said; the bare result when the chosen branch had no words for it."""
    if answer is None:
        return ""
    return answer.text.strip() or (answer.result or "")
