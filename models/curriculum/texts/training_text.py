"""A training text: pieces as the worker tokenizes them, each with a flag for what is learnt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rm_local.loop import CUE_OPENING, formulation_cue

USER, ASSISTANT, END = "<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_end|>\n"
THINK, THOUGHT = "<think>\n", "\n</think>\n\n"
_RESULT = re.compile(r"(?<=[^=<>!]=)([^=<>\n]+>>)")

Piece = tuple[str, bool]
"""A text, and whether the model learns to write it. No token spans two pieces."""
Turn = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True, slots=True)
class TrainingText:
    """One training text in pieces."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(text for text, _ in self.pieces)

    @property
    def question(self) -> str:
        """The last message of the user."""
        return self.text.rpartition(USER)[2].partition(END)[0]


def format_prompt(question: str, earlier: Sequence[Turn] = ()) -> str:
    """Format the prompt as the chat template renders it, with the thinking block opened."""
    turns = "".join(f"{USER}{ask}{END}{ASSISTANT}{reply}{END}" for ask, reply in earlier)
    return f"{turns}{USER}{question}{END}{ASSISTANT}{THINK}"


def build_cue_pieces(subproblem: str, hints: str) -> list[Piece]:
    """Return pieces of the cue, the subproblem that the model names, and the hints after it."""
    return [
        (formulation_cue(), False),
        (f" {subproblem}\n", True),
        (f"{hints}{CUE_OPENING}", False),
    ]


def split_forced_results(text: str) -> Iterable[Piece]:
    """Yield pieces of what the model writes; results of calculations are marked as not learnt."""
    at = 0
    for match in _RESULT.finditer(text):
        yield text[at : match.start()], True
        yield match[1], False
        at = match.end()
    yield text[at:], True


def build_training_text(
    question: str,
    thought: str,
    said: str,
    *,
    cue: Sequence[Piece] = (),
    earlier: Sequence[Turn] = (),
) -> TrainingText:
    """Build the text of a whole turn: the prompt, the cue if any, the thought and the answer."""
    opening = " " if cue else f"{CUE_OPENING} "
    answer = split_forced_results(f"{opening}{thought}{THOUGHT}{said}{END}")
    return TrainingText(((format_prompt(question, earlier), False), *cue, *answer))
