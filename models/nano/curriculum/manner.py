"""Imitates how people type: courtesies, lower case, no final mark."""

from __future__ import annotations

import random

Rng = random.Random

BEFORE = (
    "Please ",
    "please ",
    "Hi, ",
    "Hello! ",
    "Can you help? ",
    "Quick question: ",
    "I have a question. ",
    "Question: ",
    "Homework: ",
    "hey, ",
    "Solve this: ",
    "Problem: ",
    "My teacher asks: ",
    "Exercise. ",
    "Could you help me? ",
    "Q: ",
)
AFTER = (
    " Thanks!",
    " please",
    " Please explain.",
    " Show the steps.",
    " Thank you.",
    " Be quick.",
    " Only the number.",
    " Explain step by step.",
)


def imitate_typing(rng: Rng, question: str) -> str:
    """Return the question as people might type it, at random; code is not changed."""
    if "\n" in question or question.startswith(("sorted", "sum(", "max(", "min(")):
        return question
    if rng.random() < 0.12:
        question = rng.choice(BEFORE) + question
    if rng.random() < 0.06:
        question += rng.choice(AFTER)
    if rng.random() < 0.2:
        question = (
            question.lower()
            if "[[" in question or rng.random() < 0.7
            else question[0].lower() + question[1:]
        )
    if rng.random() < 0.12:
        question = question.rstrip(".?!")
    return question
