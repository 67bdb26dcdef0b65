"""Draws training texts of all kinds, by the shares of `shares.toml`."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from models.curriculum.chat.texts import draw_advice, draw_chat, draw_question_and_subproblem
from models.curriculum.forms import draw_follow_up
from models.curriculum.invented import draw_invented_problem
from models.curriculum.texts.contexts import draw_context, list_trainable_entries
from models.curriculum.texts.decomposition import draw_decomposition_text
from models.curriculum.texts.family_problems import build_typed_problem, draw_known_problem
from models.curriculum.texts.solutions import build_solution_text
from models.curriculum.texts.training_text import (
    Piece,
    TrainingText,
    Turn,
    build_cue_pieces,
    build_training_text,
    format_prompt,
)
from models.curriculum.texts.typing_manner import imitate_typing
from models.curriculum.texts.unknown_problems import draw_unknown_problem
from rm_local.loop import format_hint_for_thinking, formulation_cue

FILE = Path(__file__).with_name("shares.toml")
CHATTED = "this is no problem to work on. I answer in a sentence or two."
_PERSONS = (
    ("I am", "you are"),
    ("I", "you"),
    ("my", "your"),
    ("me", "you"),
    ("myself", "yourself"),
)
ADVISED = "the hint fits. I say its steps."


def draw_text(rng: random.Random) -> TrainingText:
    """Draw one training text; held-out families are never drawn."""
    return _DRAWS[_draw_kind(rng, "texts")](rng)


def _draw_known_text(rng: random.Random) -> TrainingText:
    problem = build_typed_problem(rng, draw_known_problem(rng))
    context = draw_context(rng, _draw_kind(rng, "known"), problem)
    return build_solution_text(rng, problem, context)


def _draw_invented_text(rng: random.Random) -> TrainingText:
    problem = draw_invented_problem(rng)
    context = draw_context(rng, _draw_kind(rng, "invented"), problem)
    return build_solution_text(rng, problem, context)


def _draw_unknown_text(rng: random.Random) -> TrainingText:
    """Draw a problem that the model can only decline."""
    problem = draw_unknown_problem(rng)
    context = draw_context(rng, _draw_kind(rng, "unknown"), problem)
    return build_solution_text(rng, problem, context)


def _draw_follow_up_text(rng: random.Random) -> TrainingText:
    """Draw a problem that refers back to one before it, with one or two earlier turns."""
    while True:
        before = draw_known_problem(rng)
        after = draw_follow_up(rng, before)
        if after is not None:
            break
    first, second = build_typed_problem(rng, before), build_typed_problem(rng, after)
    earlier: list[Turn] = [(first.question, f"Answer: {first.answer}")]
    if rng.random() < 0.2:
        other = build_typed_problem(rng, draw_known_problem(rng))
        earlier.insert(0, (other.question, f"Answer: {other.answer}"))
    kind = rng.choices(("bare", "cue", "fitting", "wrong"), (50, 10, 30, 10))[0]
    return build_solution_text(rng, second, draw_context(rng, kind, second), earlier)


def _draw_chat_text(rng: random.Random) -> TrainingText:
    """Draw a chat, with small shares after a problem, under a hint, or after the cue."""
    chat = draw_chat(rng)
    *earlier, (ask, reply) = chat.turns
    if rng.random() < 0.15:
        problem = build_typed_problem(rng, draw_known_problem(rng))
        earlier.insert(0, (problem.question, f"Answer: {problem.answer}"))
    cue: list[Piece] = []
    if rng.random() < 0.15:
        other = rng.choice(draw_invented_problem(rng).entries)
        hints = (
            f"{format_hint_for_thinking(other.subproblem, other.subroutine)}\n"
            if rng.random() < 0.6
            else ""
        )
        cue = build_cue_pieces("How to reply to what somebody says?", hints)
    return build_training_text(imitate_typing(rng, ask), CHATTED, reply, cue=cue, earlier=earlier)


def _draw_subproblem_text(rng: random.Random) -> TrainingText:
    """Draw a text in which the model names the subproblem of a question, and that ends there."""
    question, subproblem = draw_question_and_subproblem(rng)
    prompt = (format_prompt(imitate_typing(rng, question)), False)
    return TrainingText((prompt, (formulation_cue(), False), (f" {subproblem}\n", True)))


def _draw_advice_text(rng: random.Random) -> TrainingText:
    """Draw an open question, answered with the steps of the hint, addressed to the user."""
    entry = draw_advice(rng) if rng.random() < 0.3 else rng.choice(list_trainable_entries())
    task = entry.subproblem.rstrip("?").removeprefix("How to ").removeprefix("How do I ")
    wording = rng.choice(
        ("How do I {t}?", "how to {t}", "What is a good way to {t}?", "Tell me how to {t}.",
         "I want to {t}. Where do I begin?", "Any advice on how to {t}?",
         "What should I do to {t}?")
    )  # fmt: skip
    question = imitate_typing(rng, wording.format(t=task))
    hints = f"{format_hint_for_thinking(entry.subproblem, entry.subroutine)}\n"
    cue = build_cue_pieces(f"How to {task}?", hints)
    return build_training_text(
        question, ADVISED, rewrite_in_second_person(entry.subroutine), cue=cue
    )


def rewrite_in_second_person(subroutine: str) -> str:
    """Return the first two or three sentences of a procedure, addressed to the user."""
    text = subroutine
    for opening in ("For problems like this, ", "For a problem like this, ", "With problems like "):
        text = text.removeprefix(opening)
    for mine, yours in _PERSONS:
        text = re.sub(rf"\b{mine}\b", yours, text)
    sentences = [each[0].upper() + each[1:] for each in text.split(". ")[:3]]
    return ". ".join(sentences).rstrip(".") + "."


_DRAWS: dict[str, Callable[[random.Random], TrainingText]] = {
    "known": _draw_known_text,
    "invented": _draw_invented_text,
    "unknown": _draw_unknown_text,
    "follow_up": _draw_follow_up_text,
    "chat": _draw_chat_text,
    "subproblem": _draw_subproblem_text,
    "advised": _draw_advice_text,
    "decomposition": draw_decomposition_text,
}


def _draw_kind(rng: random.Random, table: str) -> str:
    shares = read_shares()[table]
    return rng.choices(tuple(shares), tuple(shares.values()))[0]


@cache
def read_shares() -> dict[str, dict[str, float]]:
    """Return the shares of `shares.toml` by table and kind."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
