"""The texts of the method.

The cue and the hint are those of arXiv 2604.01348, word for word. Another sentence introduces a
hint to a model that does not think.

The curriculum of rm-nano imports them from here, so that it is trained on the same texts.
"""

from __future__ import annotations

CUE = (
    "Now, let me search for a similar basic problem whose solution can help unblock me "
    "for solving the current step. Let me frame it as a more high-level google search query:"
)
CUE_OPENING = "Okay,"


def hint_text(subproblem: str, subroutine: str) -> str:
    """Format the subproblem and subroutine of an entry as a hint."""
    return (
        f'[hint] Here is a problem solving procedure for a related question "{subproblem}": '
        f"{subroutine} [end of hint]"
    )


def formulation_cue() -> str:
    """Return the text before the subproblem that the model writes."""
    return CUE


def reasoning_cue(subproblem: str, procedure: str | None) -> str:
    """Format the text before the model's reasoning: cue, subproblem, the hint if any, `Okay,`.

    `procedure` is a `hint_text(...)`, or None for a branch without one.
    """
    lines = [f"{CUE} {subproblem}", *([procedure] if procedure else []), CUE_OPENING]
    return "\n".join(lines)


NOTE = "Note, which may or may not fit:"
NOTE_END = "Answer in your own words."
MAX_REPEATED_CHARS = 1000
"""Maximum length in characters of a question that a note repeats."""


def hint_note(subproblem: str, subroutine: str, question: str) -> str:
    """Format the text after the question in the user's message: a hint, and the question again.

    A small model answers the text that it read last; after a hint alone it discusses the hint
    (docs/measurements/experiments.md).
    """
    asked = question if len(question) <= MAX_REPEATED_CHARS else "the one above"
    return f"\n\n{NOTE} {subproblem} {subroutine}\n\nQuestion: {asked}\n{NOTE_END}"


JUDGE = (
    "Does the procedure between [hint] and [end of hint] help to answer the question? "
    "Answer with yes or no."
)


def judge_note(procedure: str) -> str:
    """Format the request to judge a hint, for the end of the user's message."""
    return f"\n\n{procedure}\n{JUDGE}"


def judge_cue(subproblem: str, procedure: str) -> str:
    """Format the request to judge a hint, for the thinking of a model that thinks."""
    return f"{CUE} {subproblem}\n{procedure}\n{JUDGE} Answer:"


def list_fixed_texts() -> tuple[str, ...]:
    """Return the texts that the loop gives to a model: they must not be shown as its own words."""
    return (CUE, CUE_OPENING, NOTE, NOTE_END, JUDGE)
