"""The texts put into the model's thinking, word for word from the paper (PAPER 1b, steps 2 and 5).

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
