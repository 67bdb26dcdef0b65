"""What nobody can have meant: told apart from reasoning that only did not come to its end."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.errors import RmLocalError
from rm_local.records import Branch

_LEAST_READ = 40
"""Characters below which a text is not called unreadable."""
_TAIL = 2000
"""Characters at the end of a branch that are looked at."""
_UNREADABLE = 0.1
"""Part of the characters that are none (broken UTF-8, control characters)."""
_OVER_AND_OVER, _NO_TEXT = "repeats itself over and over", "is no readable text"


def no_answer(branches: Sequence[Branch]) -> RmLocalError:
    """The error of a turn whose branches came to no answer."""
    faults = {fault_of(branch) for branch in branches}
    if not faults or None in faults:
        return RmLocalError(
            "No branch came to an answer within its budget.",
            "Give it more tokens, or ask in other words.",
        )
    why = _NO_TEXT if _NO_TEXT in faults else _OVER_AND_OVER
    return RmLocalError(
        f"No branch came to an answer: what the model writes {why}.",
        "Its file may be damaged, its chat template wrong (`rm-local models info`), or the model "
        "too small for the question: choose another, or ask in other words.",
    )


def fault_of(branch: Branch) -> str | None:
    """Why what a branch wrote makes no sense, as a verb and what belongs to it; None if it may."""
    if unreadable((branch.thinking + branch.text)[-_TAIL:]):
        return _NO_TEXT
    return _OVER_AND_OVER if branch.stop == "repeating" else None


def unreadable(text: str) -> bool:
    """Whether a good part of the characters are none, in a text long enough to tell."""
    broken = sum(c == "\ufffd" or not (c.isprintable() or c in "\n\r\t") for c in text)
    return len(text) >= _LEAST_READ and broken > _UNREADABLE * len(text)
