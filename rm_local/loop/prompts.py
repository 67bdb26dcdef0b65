"""The texts of the method: the cue and the hint, word for word from arXiv 2604.01348, and the
sentence that introduces a hint to a model that does not think.

rm-nano's curriculum imports them from here, so that it is trained on the texts of the loop.
"""

from __future__ import annotations

CUE = (
    "Now, let me search for a similar basic problem whose solution can help unblock me "
    "for solving the current step. Let me frame it as a more high-level google search query:"
)
CUE_OPENING = "Okay,"


def hint_text(subproblem: str, subroutine: str) -> str:
    """One retrieved pair as the model reads it."""
    return (
        f'[hint] Here is a problem solving procedure for a related question "{subproblem}": '
        f"{subroutine} [end of hint]"
    )


def formulation_cue() -> str:
    """The text that the model continues with the subproblem."""
    return CUE


def reasoning_cue(subproblem: str, procedure: str | None) -> str:
    """The text that the model continues with its reasoning: cue, subproblem, any hint, `Okay,`.

    `procedure` is a `hint_text(...)`, or None for a branch without one.
    """
    lines = [f"{CUE} {subproblem}", *([procedure] if procedure else []), CUE_OPENING]
    return "\n".join(lines)


NOTE = "Note, which may or may not fit:"
NOTE_END = "Answer in your own words."
MAX_REPEATED_CHARS = 1000
"""Longest question that a note repeats, in characters."""


def hint_note(subproblem: str, subroutine: str, question: str) -> str:
    """The text after the question in the user's message: a hint, and the question again.

    A small model answers what it read last; if that is not the question, it discusses the hint
    (docs/experiments.md).
    """
    asked = question if len(question) <= MAX_REPEATED_CHARS else "the one above"
    return f"\n\n{NOTE} {subproblem} {subroutine}\n\nQuestion: {asked}\n{NOTE_END}"


JUDGE = (
    "Does the procedure between [hint] and [end of hint] help to answer the question? "
    "Answer with yes or no."
)


def judge_note(procedure: str) -> str:
    """The text after the question in the user's message when the model judges a hint."""
    return f"\n\n{procedure}\n{JUDGE}"


def judge_cue(subproblem: str, procedure: str) -> str:
    """The same in the thoughts of a model that thinks."""
    return f"{CUE} {subproblem}\n{procedure}\n{JUDGE} Answer:"


def fixed_texts() -> tuple[str, ...]:
    """The texts that the loop gives to a model; they must not be shown as the model's own words."""
    return (CUE, CUE_OPENING, NOTE, NOTE_END, JUDGE)
