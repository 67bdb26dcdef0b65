"""Combines a question, its procedure and its solution to a problem, and confirms the answer."""

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
"""Share of questions in lower case."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NUMBERING = re.compile(r"\bStep \d+:|\(\d\) |(?m:^|(?<=[.:] ))\d[.)] ")
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}\b)")
_CALCULATION = re.compile(r"<<(.+?)=((?:'[^']*'|[^=<>'])*)>>")


class AnswerDiffersError(Exception):
    """The worked steps do not lead to the independently computed answer."""


class SharedNumbersError(Exception):
    """A number of the question is also in the procedure, so they could be confused."""


class WorkedSteps:
    """Worked steps, written one after another; the calculator computes the results."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.reached = ""
        """The last result of the steps, as text; confirmed against the answer."""

    def add_calculation(self, before: str, expression: str, after: str = ".") -> str:
        """Append `before <<expression=result>>after`; return the result.

        Raises:
            AnswerDiffersError: The calculator has no value for the expression.
        """
        result = evaluate_expression(expression)
        if result is None:
            raise AnswerDiffersError(f"The calculator has no value for {expression}.")
        self._parts.append(f"{before} <<{expression}={result}>>{after}".strip())
        self.reached = result
        return result

    def add_sentence(self, text: str) -> None:
        """Append a text without a calculation."""
        self._parts.append(text)

    def join_text(self) -> str:
        """Return all steps as one text."""
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
    """Return the problem with one or two entries, after a check of the answer.

    Raises:
        AnswerDiffersError: The worked steps do not lead to the answer.
        SharedNumbersError: A number of the question is also in the procedure.
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
    """Check that the steps lead to the answer and state it.

    Raises:
        AnswerDiffersError: They do not.
    """
    reached = working.reached
    plain = reached[1:-1] if reached[:1] == reached[-1:] == "'" else reached
    if plain.replace("'", "") not in (answer, f"[{answer}]"):
        raise AnswerDiffersError(f"The steps lead to {reached}, not to {answer}.")
    if answer not in working.join_text():
        raise AnswerDiffersError(f"The steps do not say {answer}.")


def list_calculations(work: str) -> list[tuple[str, str]]:
    """Return pairs (expression, result) of all calculations in worked steps."""
    return [(m[1], m[2]) for m in _CALCULATION.finditer(work)]


def find_shared_numbers(question: str, procedure: str) -> set[str]:
    """Return the numbers in both texts, except the numbers of the steps."""
    stated = _NUMBERING.sub("", procedure)
    return set(_NUMBER.findall(_GROUPING.sub("", question))) & set(_NUMBER.findall(stated))


def vary_case(rng: Rng, question: str) -> str:
    """Return the question, in a small share in lower case, some without the question mark."""
    if rng.random() < _LOWER:
        question = question.lower()
        if rng.random() < 0.5:
            question = question.rstrip("?.")
    return question


def add_article(noun: str) -> str:
    """Return the noun with its indefinite article: `a rim`, `an hour`."""
    vowel = noun[:1].lower() in "aeiou" or noun.startswith(("hour", "honest"))
    return f"{'an' if vowel and not noun.startswith(('unit', 'use', 'uni')) else 'a'} {noun}"
