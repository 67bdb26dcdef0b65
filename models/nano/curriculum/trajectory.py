"""The training text of a problem: what rm-nano reads, and what it learns to write.

The cue, the hint and `Okay,` are the loop's own (`rm_local.loop.prompts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from models.nano.curriculum import chat
from models.nano.curriculum.problem import Problem
from rm_local.loop import CUE_OPENING, format_hint_for_thinking, formulation_cue
from rm_local.records import Entry

USER, ASSISTANT, END = (
    "<|im_start|>user\n",
    "<|im_end|>\n<|im_start|>assistant\n<think>\n",
    "<|im_end|>\n",
)


@dataclass(frozen=True, slots=True)
class HintEntry:
    """An entry that the model reads as a hint, and the quantity that it computes."""

    entry: Entry
    name: str
    """Name of the quantity; empty for general advice."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A training text in pieces, each with a flag: whether the model learns to write it."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(text for text, _ in self.pieces)


def format_prompt(question: str) -> str:
    """Format the prompt as the chat template renders it, with the thinking block opened."""
    return f"{USER}{question}{ASSISTANT}"


def build_solved_trajectory(problem: Problem, hint: HintEntry | None, cued: bool) -> Trajectory:
    """Build the text of a problem: worked, or declined if nothing shows the way.

    `cued` adds the loop's cue, which a hint requires.
    """
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
    """Format the model's reply if nothing shows how to compute the quantity."""
    return (
        f"I do not know how to compute the {name}, and no hint told me. "
        "A subroutine for it in the store would let me do it."
    )


def build_chat_trajectory(question: str, hint: HintEntry | None, cued: bool) -> Trajectory:
    """Build the text of a question that rm-nano cannot answer, with its fixed reply."""
    return _assemble_trajectory(question, chat.SUBPROBLEM, hint, cued, chat.THOUGHT, chat.ANSWER)


def _assemble_trajectory(
    question: str, subproblem: str, hint: HintEntry | None, cued: bool, thought: str, said: str
) -> Trajectory:
    pieces = [(format_prompt(question), False)]
    okay = f"{CUE_OPENING} "
    if cued:
        pieces += [(formulation_cue(), False), (f" {subproblem}\n", True)]
        if hint:
            pieces.append(
                (
                    format_hint_for_thinking(hint.entry.subproblem, hint.entry.subroutine) + "\n",
                    False,
                )
            )
        pieces.append((CUE_OPENING, False))
        okay = " "
    pieces.append((f"{okay}{thought}\n</think>\n\n{said}{END}", True))
    return Trajectory(tuple(pieces))
