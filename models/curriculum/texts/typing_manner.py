"""Imitates how people type: courtesies, lower case, no question mark, typing errors."""

from __future__ import annotations

import random
import re

BEFORE = (
    "please ", "Please help: ", "Hi, ", "hey ", "hello! ", "quick q: ", "Quick question: ",
    "Can you help me? ", "Homework: ", "Exercise 4. ", "hw question: ", "I'm stuck. ", "Hmm, ",
    "Task: ", "ok so ", "Could you work this out? ", "Q: ", "help pls, ", "Solve: ", "Tell me: ",
)  # fmt: skip
AFTER = (
    " Thanks!", " thx", " please", " Show your steps.", " Explain it to me.", " Thank you.",
    " Only the number.", " I need it fast.", " (for school)", " pls explain", " Cheers", " :)",
)  # fmt: skip
_WORD = re.compile(r"\b[a-z]{5,}\b")
_CODE = re.compile(r"[\n\[\](){}='\"`]|print|def |return")


def imitate_typing(rng: random.Random, question: str, exact: bool = False) -> str:
    """Return the question as people might type it, at random.

    With `exact`, and in code, no letter is changed.
    """
    code = exact or _CODE.search(question) is not None
    if not code and rng.random() < 0.1:
        question = _add_typos(rng, question)
    if "\n" not in question and rng.random() < 0.1:
        before = rng.choice(BEFORE)
        lowered = before[-2:] in ("s ", "y ", "o ") and question[1:2].islower() and not code
        question = before + (question[0].lower() + question[1:] if lowered else question)
    if "\n" not in question and rng.random() < 0.06:
        question += rng.choice(AFTER)
    if not code and rng.random() < 0.15:
        question = question.lower()
    if not code and rng.random() < 0.12:
        question = question.rstrip(".?!")
    return question


def _add_typos(rng: random.Random, text: str) -> str:
    """Make one or two typing errors in words of five letters or more."""
    for _ in range(rng.choice((1, 1, 2))):
        found = list(_WORD.finditer(text))
        if not found:
            return text
        match = rng.choice(found)
        word, at = match[0], rng.randrange(1, len(match[0]) - 1)
        slipped = rng.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            )
        )
        text = text[: match.start()] + slipped + text[match.end() :]
    return text
