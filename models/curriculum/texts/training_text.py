"""A training text: pieces as the worker cuts them into tokens, and which of them are learnt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rm_local.loop import CUE_OPENING, formulation_cue

USER, ASSISTANT, END = "<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_end|>\n"
THINK, THOUGHT = "<think>\n", "\n</think>\n\n"
_RESULT = re.compile(r"(?<=[^=<>!]=)([^=<>\n]+>>)")

Piece = tuple[str, bool]
"""A text and whether the model is to write it. No token reaches across two pieces."""
Turn = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True, slots=True)
class TrainingText:
    """One training text."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.pieces)

    @property
    def question(self) -> str:
        """What the user wrote last."""
        return self.text.rpartition(USER)[2].partition(END)[0]


def format_prompt(question: str, earlier: Sequence[Turn] = ()) -> str:
    """The prompt as the chat template renders it, up to the opened thinking block."""
    turns = "".join(f"{USER}{ask}{END}{ASSISTANT}{reply}{END}" for ask, reply in earlier)
    return f"{turns}{USER}{question}{END}{ASSISTANT}{THINK}"


def build_cue_pieces(subproblem: str, hints: str) -> list[Piece]:
    """The cue, the subproblem that the model names, and what the loop puts behind it."""
    return [
        (formulation_cue(), False),
        (f" {subproblem}\n", True),
        (f"{hints}{CUE_OPENING}", False),
    ]


def split_forced_results(text: str) -> Iterable[Piece]:
    """What the model writes. Results of calculations are forced into it, so they are not learnt."""
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
    """A whole turn: the prompt, perhaps the cue, the thought and the answer."""
    opening = " " if cue else f"{CUE_OPENING} "
    answer = split_forced_results(f"{opening}{thought}{THOUGHT}{said}{END}")
    return TrainingText(((format_prompt(question, earlier), False), *cue, *answer))
