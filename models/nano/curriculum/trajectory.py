"""A problem as the text that rm-nano is trained on: exactly what it meets, and what it is to write.

The cue, the hint and `Okay,` are the loop's own (`rm_local.loop.prompts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from models.nano.curriculum import chat
from models.nano.curriculum.problem import Problem
from rm_local.loop import CUE_OPENING, formulation_cue, hint_text
from rm_local.records import Entry

USER, ASSISTANT, END = (
    "<|im_start|>user\n",
    "<|im_end|>\n<|im_start|>assistant\n<think>\n",
    "<|im_end|>\n",
)


@dataclass(frozen=True, slots=True)
class HintEntry:
    """An entry put before the model, and what its procedure is for."""

    entry: Entry
    name: str
    """What the entry computes; empty for general advice that names nothing."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Text in pieces; the flag says whether the model is to write the piece."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def format_prompt(question: str) -> str:
    """The prompt as the chat template renders it, up to the opened thinking block."""
    return f"{USER}{question}{ASSISTANT}"


def build_solved_trajectory(problem: Problem, hint: HintEntry | None, cued: bool) -> Trajectory:
    """The trajectory of a problem: worked, or declined when nothing tells the way."""
    fits = hint is not None and hint.name == problem.name
    thought = [f"I need the {problem.name}."]
    if hint and hint.name:
        thought.append(
            f"The hint is for the {hint.name}, so it {'fits' if fits else 'does not fit'}."
        )
    elif hint:
        thought.append("The hint is general advice.")
    if fits or problem.known:
        thought += [] if fits else ["I know the way."]
        thought.append(problem.steps)
        said = f"Answer: {problem.answer}"
    else:
        thought.append("I do not know the way.")
        said = format_refusal(problem.name)
    return _assemble_trajectory(
        problem.question, problem.subproblem, hint, cued, " ".join(thought), said
    )


def format_refusal(name: str) -> str:
    """What rm-nano says when nothing tells it how."""
    return (
        f"I do not know how to compute the {name}, and no hint told me. "
        "A subroutine for it in the store would let me do it."
    )


def build_chat_trajectory(question: str, hint: HintEntry | None, cued: bool) -> Trajectory:
    """The trajectory of something that is no problem."""
    return _assemble_trajectory(question, chat.SUBPROBLEM, hint, cued, chat.THOUGHT, chat.ANSWER)


def _assemble_trajectory(
    question: str, subproblem: str, hint: HintEntry | None, cued: bool, thought: str, said: str
) -> Trajectory:
    pieces = [(format_prompt(question), False)]
    okay = f"{CUE_OPENING} "
    if cued:
        pieces += [(formulation_cue(), False), (f" {subproblem}\n", True)]
        if hint:
            pieces.append((hint_text(hint.entry.subproblem, hint.entry.subroutine) + "\n", False))
        pieces.append((CUE_OPENING, False))
        okay = " "
    pieces.append((f"{okay}{thought}\n</think>\n\n{said}{END}", True))
    return Trajectory(tuple(pieces))
