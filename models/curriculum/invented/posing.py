"""Puts a question, its procedure and its solution together, and confirms the answer."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from models.curriculum.invented.prose import (
    Clause,
    ProcedureContext,
    phrase_procedure,
    phrase_subproblem,
)
from models.curriculum.problem import Problem
from rm_local.engine import evaluate_expression
from rm_local.records import Entry

Rng = random.Random
FAMILY = "invented"
_SECOND = 0.35
"""Share of problems with a second entry for the same procedure."""
_LOWER = 0.12
"""Share of questions in small letters."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NUMBERING = re.compile(r"\bStep \d+:|\(\d\) |(?m:^|(?<=[.:] ))\d[.)] ")
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}\b)")
_CALCULATION = re.compile(r"<<(.+?)=((?:'[^']*'|[^=<>'])*)>>")


class AnswerDiffersError(Exception):
    """The worked steps and the answer that was worked out apart from them do not agree."""


class SharedNumbersError(Exception):
    """A procedure holds a number of the question, so that one could be taken for the other."""


class WorkedSteps:
    """Worked steps, written one after another; the calculator fills in the results."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.reached = ""
        """What the steps have led to, as text."""

    def add_calculation(self, before: str, expression: str, after: str = ".") -> str:
        """Writes `before <<expression=result>>after` and returns the result.

        Raises:
            AnswerDiffersError: The calculator has no value for it.
        """
        result = evaluate_expression(expression)
        if result is None:
            raise AnswerDiffersError(f"The calculator has no value for {expression}.")
        self._parts.append(f"{before} <<{expression}={result}>>{after}".strip())
        self.reached = result
        return result

    def add_sentence(self, text: str) -> None:
        """Writes a sentence without a calculation."""
        self._parts.append(text)

    def join_text(self) -> str:
        return " ".join(self._parts).replace(" ,", ",")


def pose_problem(
    rng: Rng,
    telling: ProcedureContext,
    clauses: Sequence[Clause],
    question: str,
    working: WorkedSteps,
    answer: str,
    domain: str,
) -> Problem:
    """The problem with one entry or two; the answer is confirmed first.

    Raises:
        AnswerDiffersError: The worked steps do not lead to the answer.
        SharedNumbersError: A number of the question stands in the procedure.
    """
    confirm_answer(answer, working)
    count = 2 if rng.random() < _SECOND else 1
    entries = tuple(
        Entry(
            phrase_subproblem(rng, telling, rng.random() < 0.6),
            phrase_procedure(rng, telling, clauses),
            domain,
        )
        for _ in range(count)
    )
    if any(find_shared_numbers(question, entry.subroutine) for entry in entries):
        raise SharedNumbersError
    return Problem(
        family=FAMILY,
        name=telling.name,
        question=question,
        subproblem=phrase_subproblem(rng, telling, True),
        entries=entries,
        work=working.join_text(),
        answer=answer,
        known=False,
    )


def confirm_answer(answer: str, working: WorkedSteps) -> None:
    """Raises AnswerDiffersError unless the steps lead to the answer and say it."""
    reached = working.reached
    plain = reached[1:-1] if reached[:1] == reached[-1:] == "'" else reached
    if plain.replace("'", "") not in (answer, f"[{answer}]"):
        raise AnswerDiffersError(f"The steps lead to {reached}, not to {answer}.")
    if answer not in working.join_text():
        raise AnswerDiffersError(f"The steps do not say {answer}.")


def list_calculations(work: str) -> list[tuple[str, str]]:
    """Each expression of worked steps with the result that is written behind it."""
    return [(m[1], m[2]) for m in _CALCULATION.finditer(work)]


def find_shared_numbers(question: str, procedure: str) -> set[str]:
    """Numbers that stand in both, those aside that count the steps."""
    told = _NUMBERING.sub("", procedure)
    return set(_NUMBER.findall(_GROUPING.sub("", question))) & set(_NUMBER.findall(told))


def vary_case(rng: Rng, question: str) -> str:
    """The question as some type it: in small letters, or without its question mark."""
    if rng.random() < _LOWER:
        question = question.lower()
        if rng.random() < 0.5:
            question = question.rstrip("?.")
    return question


def add_article(noun: str) -> str:
    """`a rim`, `an hour`."""
    vowel = noun[:1].lower() in "aeiou" or noun.startswith(("hour", "honest"))
    return f"{'an' if vowel and not noun.startswith(('unit', 'use', 'uni')) else 'a'} {noun}"
