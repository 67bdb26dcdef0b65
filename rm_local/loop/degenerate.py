"""Detects degenerate output of a model: unreadable or endlessly repeating text."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.errors import RmLocalError
from rm_local.records import Branch

_MIN_CHARS = 40
"""Number of characters below which a text is never considered unreadable."""
_TAIL_CHARS = 2000
"""Number of characters at the end of a branch's text that are examined."""
_UNREADABLE_SHARE = 0.1
"""Share of broken UTF-8 and control characters above which a text is unreadable."""
_REPEATING, _UNREADABLE = "repeats itself over and over", "is not readable text"


def make_no_answer_error(branches: Sequence[Branch]) -> RmLocalError:
    """Create the error of a turn without an answer; it says so if all texts are degenerate."""
    faults = {describe_output_defect(branch) for branch in branches}
    if not faults or None in faults:
        if not any(branch.stop == "length" for branch in branches):
            return RmLocalError(
                "No branch reached an answer: the model ended without one.",
                "Rephrase the question, let the model think (`--thinking`), or choose another "
                "model.",
            )
        return RmLocalError(
            "No branch reached an answer within its budget.",
            "Allow more tokens (`--max-tokens`), or rephrase the question.",
        )
    fault = _UNREADABLE if _UNREADABLE in faults else _REPEATING
    return RmLocalError(
        f"No branch reached an answer: the model's output {fault}.",
        "The file may be damaged, its chat template wrong (`rm-local models info`), or the model "
        "too small for the question. Choose another model, or rephrase the question.",
    )


def describe_output_defect(branch: Branch) -> str | None:
    """Return the defect of a branch's text, as in "is not readable text"; None without a defect."""
    if is_unreadable((branch.thinking + branch.text)[-_TAIL_CHARS:]):
        return _UNREADABLE
    return _REPEATING if branch.stop == "repeating" else None


def is_unreadable(text: str) -> bool:
    """Return whether more than a tenth of a text are broken or control characters.

    A text of less than _MIN_CHARS is never unreadable.
    """
    broken = sum(c == "\ufffd" or not (c.isprintable() or c in "\n\r\t") for c in text)
    return len(text) >= _MIN_CHARS and broken > _UNREADABLE_SHARE * len(text)
