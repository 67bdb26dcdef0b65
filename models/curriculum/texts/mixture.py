"""The mixture of training texts, by the shares of `shares.toml`."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from models.curriculum.chat.texts import draw_advice, draw_chat, draw_subproblem
from models.curriculum.forms import draw_follow_up
from models.curriculum.invented import draw_invented
from models.curriculum.texts.contexts import draw_context, prose_entries
from models.curriculum.texts.decomposition import draw_decomposition
from models.curriculum.texts.family_problems import as_problem, draw_known
from models.curriculum.texts.solutions import solve_under
from models.curriculum.texts.training_text import (
    Piece,
    TrainingText,
    Turn,
    assemble,
    cue_pieces,
    opened,
)
from models.curriculum.texts.typing_manner import type_question
from models.curriculum.texts.unknown_problems import draw_unknown
from rm_local.loop import formulation_cue, hint_text

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
    """One training text; nothing of a held-out family is ever drawn."""
    return _DRAWS[_draw_kind(rng, "texts")](rng)


def _known(rng: random.Random) -> TrainingText:
    problem = as_problem(rng, draw_known(rng))
    context = draw_context(rng, _draw_kind(rng, "known"), problem)
    return solve_under(rng, problem, context)


def _invented(rng: random.Random) -> TrainingText:
    problem = draw_invented(rng)
    context = draw_context(rng, _draw_kind(rng, "invented"), problem)
    return solve_under(rng, problem, context)


def _unknown(rng: random.Random) -> TrainingText:
    """A problem that the model can only decline."""
    problem = draw_unknown(rng)
    context = draw_context(rng, _draw_kind(rng, "unknown"), problem)
    return solve_under(rng, problem, context)


def _follow_up(rng: random.Random) -> TrainingText:
    """One or two questions before, the last of which the question refers to."""
    while True:
        before = draw_known(rng)
        after = draw_follow_up(rng, before)
        if after is not None:
            break
    first, second = as_problem(rng, before), as_problem(rng, after)
    earlier: list[Turn] = [(first.question, f"Answer: {first.answer}")]
    if rng.random() < 0.2:
        other = as_problem(rng, draw_known(rng))
        earlier.insert(0, (other.question, f"Answer: {other.answer}"))
    kind = rng.choices(("bare", "cue", "fitting", "wrong"), (50, 10, 30, 10))[0]
    return solve_under(rng, second, draw_context(rng, kind, second), earlier)


def _chat(rng: random.Random) -> TrainingText:
    """Talk, now and then after a problem, under a hint or behind the cue."""
    chat = draw_chat(rng)
    *earlier, (ask, reply) = chat.turns
    if rng.random() < 0.15:
        problem = as_problem(rng, draw_known(rng))
        earlier.insert(0, (problem.question, f"Answer: {problem.answer}"))
    cue: list[Piece] = []
    if rng.random() < 0.15:
        other = rng.choice(draw_invented(rng).entries)
        hints = f"{hint_text(other.subproblem, other.subroutine)}\n" if rng.random() < 0.6 else ""
        cue = cue_pieces("How to reply to what somebody says?", hints)
    return assemble(type_question(rng, ask), CHATTED, reply, cue=cue, earlier=earlier)


def _subproblem(rng: random.Random) -> TrainingText:
    """The subproblem of any question, and nothing behind it."""
    question, subproblem = draw_subproblem(rng)
    prompt = (opened(type_question(rng, question)), False)
    return TrainingText((prompt, (formulation_cue(), False), (f" {subproblem}\n", True)))


def _advised(rng: random.Random) -> TrainingText:
    """An open question whose answer is the hint's procedure, told to the user."""
    entry = draw_advice(rng) if rng.random() < 0.3 else rng.choice(prose_entries())
    task = entry.subproblem.rstrip("?").removeprefix("How to ").removeprefix("How do I ")
    wording = rng.choice(
        ("How do I {t}?", "how to {t}", "What is a good way to {t}?", "Tell me how to {t}.",
         "I want to {t}. Where do I begin?", "Any advice on how to {t}?",
         "What should I do to {t}?")
    )  # fmt: skip
    question = type_question(rng, wording.format(t=task))
    hints = f"{hint_text(entry.subproblem, entry.subroutine)}\n"
    cue = cue_pieces(f"How to {task}?", hints)
    return assemble(question, ADVISED, tell_user(entry.subroutine), cue=cue)


def tell_user(subroutine: str) -> str:
    """A procedure in the second person, its first two or three sentences."""
    text = subroutine
    for opening in ("For problems like this, ", "For a problem like this, ", "With problems like "):
        text = text.removeprefix(opening)
    for mine, yours in _PERSONS:
        text = re.sub(rf"\b{mine}\b", yours, text)
    sentences = [each[0].upper() + each[1:] for each in text.split(". ")[:3]]
    return ". ".join(sentences).rstrip(".") + "."


_DRAWS: dict[str, Callable[[random.Random], TrainingText]] = {
    "known": _known,
    "invented": _invented,
    "unknown": _unknown,
    "follow_up": _follow_up,
    "chat": _chat,
    "subproblem": _subproblem,
    "advised": _advised,
    "decomposition": draw_decomposition,
}


def _draw_kind(rng: random.Random, table: str) -> str:
    shares = read_shares()[table]
    return rng.choices(tuple(shares), tuple(shares.values()))[0]


@cache
def read_shares() -> dict[str, dict[str, float]]:
    """The weights, by table."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
