"""Draws questions that rm-nano cannot answer; its fixed reply to them says so."""

from __future__ import annotations

import random

from models.nano.curriculum.tables import read_table

Rng = random.Random

ANSWER = (
    "I am rm-nano, a very small model: I work out short problems in arithmetic, science and "
    "reading code, by myself or from a subroutine in the store. "
    "For anything else, load a larger model: rm-local --model FILE.gguf"
)
SUBPROBLEM = "How to say what this model can do?"
THOUGHT = "this is no problem that I can work on, so I say what I can do."


def draw_unsolvable_question(rng: Rng) -> str:
    """Draw a question or remark that rm-nano cannot answer."""
    words = read_table("chat")
    if rng.random() < 0.3:
        return str(rng.choice(words["fixed"]))
    slots = {key: rng.choice(options) for key, options in words["slots"].items()}
    return str(rng.choice(words["templates"]).format(u=rng.choice(words["slots"]["t"]), **slots))
