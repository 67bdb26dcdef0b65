"""The texts of the method: the cue and the hint, word for word from the paper (PAPER 1b, steps 2
and 5), and the sentence under which a model that does not think reads a hint.

rm-nano's curriculum imports them from here: what it is trained on is what the loop says.
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
    """What is forced before the model names the subproblem."""
    return CUE


def reasoning_cue(subproblem: str, procedure: str | None) -> str:
    """What is forced before the model reasons on: the cue, the subproblem, perhaps a hint, `Okay,`.

    `procedure` is a `hint(...)`, or None for a branch without one.
    """
    lines = [f"{CUE} {subproblem}", *([procedure] if procedure else []), CUE_OPENING]
    return "\n".join(lines)


NOTE = "Note, which may or may not fit:"
NOTE_END = "Answer in your own words."
LONGEST_REPEATED = 1000
"""Characters of a question up to which a note repeats it."""


def hint_note(subproblem: str, subroutine: str, question: str) -> str:
    """What follows the question in the user's message: a hint, and the question once more.

    A small model answers what it read last; without the question there it talks about the hint
    (docs/measurements/experiments.md).
    """
    asked = question if len(question) <= LONGEST_REPEATED else "the one above"
    return f"\n\n{NOTE} {subproblem} {subroutine}\n\nQuestion: {asked}\n{NOTE_END}"


JUDGE = (
    "Does the procedure between [hint] and [end of hint] help to answer the question? "
    "Answer with yes or no."
)


def judge_note(procedure: str) -> str:
    """What follows the question in the user's message when the model is to judge a hint."""
    return f"\n\n{procedure}\n{JUDGE}"


def judge_cue(subproblem: str, procedure: str) -> str:
    """The same in the thoughts of a model that thinks."""
    return f"{CUE} {subproblem}\n{procedure}\n{JUDGE} Answer:"


def fixed_texts() -> tuple[str, ...]:
    """What the loop says to a model in every turn; none of it may be shown as the model's words."""
    return (CUE, CUE_OPENING, NOTE, NOTE_END, JUDGE)
