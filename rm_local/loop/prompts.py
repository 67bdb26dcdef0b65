"""The fixed texts that are added to prompts: the cue, hints, and the request to judge a hint.

The cue and the hint are those of arXiv 2604.01348, word for word. Another sentence introduces a
hint to a model that does not think. The training of rm-nano imports these texts from here.
"""

from __future__ import annotations

CUE = (
    "Now, let me search for a similar basic problem whose solution can help unblock me "
    "for solving the current step. Let me frame it as a more high-level google search query:"
)
CUE_OPENING = "Okay,"


def format_hint_for_thinking(subproblem: str, subroutine: str) -> str:
    """Format the subproblem and subroutine of an entry as a hint for the thinking of a model."""
    return (
        f'[hint] Here is a problem solving procedure for a related question "{subproblem}": '
        f"{subroutine} [end of hint]"
    )


def formulation_cue() -> str:
    """Return the text that the model continues with the subproblem."""
    return CUE


def format_reasoning_cue(subproblem: str, hint: str | None) -> str:
    """Format the text that the model continues with its reasoning: cue, subproblem, hint, `Okay,`.

    `hint` is a text by `format_hint_for_thinking`; None for a branch without a hint.
    """
    lines = [f"{CUE} {subproblem}", *([hint] if hint else []), CUE_OPENING]
    return "\n".join(lines)


NOTE = "Note, which may or may not fit:"
NOTE_END = "Answer in your own words."
MAX_REPEATED_CHARS = 1000
"""Maximum number of characters of a question that `format_hint_for_user_message` repeats."""


def format_hint_for_user_message(subproblem: str, subroutine: str, question: str) -> str:
    """Format a hint for the end of the user's message, followed by the question again.

    A small model answers the text that it reads last; after a hint alone it discusses the hint
    (docs/measurements/experiments.md).
    """
    asked = question if len(question) <= MAX_REPEATED_CHARS else "the one above"
    return f"\n\n{NOTE} {subproblem} {subroutine}\n\nQuestion: {asked}\n{NOTE_END}"


JUDGE = (
    "Does the procedure between [hint] and [end of hint] help to answer the question? "
    "Answer with yes or no."
)


def format_judge_request_for_message(procedure: str) -> str:
    """Format the request for a yes or no on a hint, for the end of the user's message."""
    return f"\n\n{procedure}\n{JUDGE}"


def format_judge_request_for_thinking(subproblem: str, procedure: str) -> str:
    """Format the request for a yes or no on a hint, for the thinking of a model that thinks."""
    return f"{CUE} {subproblem}\n{procedure}\n{JUDGE} Answer:"


def list_fixed_prompt_texts() -> tuple[str, ...]:
    """Return the fixed parts of prompts: they must not be shown as text that the model wrote."""
    return (CUE, CUE_OPENING, NOTE, NOTE_END, JUDGE)
