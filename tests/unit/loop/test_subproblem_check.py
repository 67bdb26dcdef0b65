"""What can stand as a subproblem, and what stands in for it."""

from __future__ import annotations

import pytest

from rm_local.loop import prompts
from rm_local.loop.subproblem_check import is_usable_query, strip_numbers_if_enough_words

QUESTION = "What is the kinetic energy of a 4 kg mass moving at 6,5 m/s?"


@pytest.mark.parametrize(
    "text",
    [
        "How to compute the kinetic energy from the mass and the speed?",
        "How to find log2 of a number in 12 ways?",
        "運動エネルギーの求め方は?",
        "Wie berechnet man die Bewegungsenergie?",
        "How to use dict.items() or numpy.array?",
    ],
)
def test_a_general_question_will_do(text: str) -> None:
    """In any language; a number that is not of the question does not matter."""
    assert is_usable_query(text, QUESTION, (prompts.CUE,))


@pytest.mark.parametrize(
    "text",
    [
        "https://www.google.com/pirata",
        "See www.example for more on energy",
        "Look it up at physics.org please",
        "energy",
        "42",
        "",
        "How to find the energy of 4 kg?",
        "How to find it at 6,5 m/s?",
        "let me frame it as a more high-level search",
        "word " * 41,
        "How to compute the workddddddddd of a force?",
    ],
)
def test_a_text_that_is_no_subproblem_is_refused(text: str) -> None:
    """Addresses, single words, the question's numbers, echoes of the cue, long and stuck texts."""
    assert not is_usable_query(text, QUESTION, (prompts.CUE,))


@pytest.mark.parametrize(
    ("question", "stripped"),
    [
        (QUESTION, "What is the kinetic energy of a kg mass moving at m/s?"),
        ("log2(x) + x1 of N2O4", "log2(x) + x1 of N2O4"),
        ("5x\nplus 3 is what", "x plus is what"),
        ("3/8 + 5/12 = ?", "3/8 + 5/12 = ?"),
        ("5x+12=47,x等于多少", "x+=,x等于多少"),
    ],
)
def test_the_question_loses_its_numbers(question: str, stripped: str) -> None:
    """Digits in names stay, and a question of numbers alone stays as it is."""
    assert strip_numbers_if_enough_words(question) == stripped
