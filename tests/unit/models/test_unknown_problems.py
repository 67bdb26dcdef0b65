"""Real problems that the model is to format_refusal: well-formed, various, and of no family."""

from __future__ import annotations

import random
import re

import pytest

from models.curriculum.families import read_families
from models.curriculum.measure import read_questions
from models.curriculum.overlap import find_overlaps
from models.curriculum.texts.contexts import draw_context
from models.curriculum.texts.mixture import read_shares
from models.curriculum.texts.solutions import build_solution_text, format_refusal
from models.curriculum.texts.training_text import TrainingText
from models.curriculum.texts.unknown_problems import (
    FAMILY,
    UnknownKind,
    draw_unknown_problem,
    read_kinds,
    word_unknown,
)

KINDS, WORDINGS = 220, 4
"""Least numbers of kinds, and of wordings of a kind."""


def draw_declined(rng: random.Random, context: str) -> TrainingText:
    """A training text of an unknown problem under such a context."""
    problem = draw_unknown_problem(rng)
    return build_solution_text(rng, problem, draw_context(rng, context, problem))


def test_there_are_many_kinds() -> None:
    """Each with a task of its own."""
    tasks = [kind.task for kind in read_kinds()]

    assert len(tasks) >= KINDS
    assert len(set(tasks)) == len(tasks)


@pytest.mark.parametrize("kind", read_kinds(), ids=[kind.task for kind in read_kinds()])
def test_a_kind_has_several_wordings_whose_slots_are_filled(kind: UnknownKind) -> None:
    """A slot without a value raises an error."""
    rng = random.Random(5)

    assert len(set(kind.wordings)) >= WORDINGS
    for wording in kind.wordings:
        for _ in range(5):
            assert not re.search(r"\{\w+(:\w+)?\}", word_unknown(rng, kind, wording))


def test_no_kind_is_a_family() -> None:
    """Neither a known nor a held-out one."""
    taught = {family.subproblem for family in read_families().values()}

    assert [kind.task for kind in read_kinds() if kind.subproblem in taught] == []
    assert FAMILY not in read_families()


def test_no_wording_shares_six_words_with_a_question_of_the_400() -> None:
    """Names and numbers are masked."""
    rng = random.Random(7)
    texts = [word_unknown(rng, kind, each) for kind in read_kinds() for each in kind.wordings]

    assert find_overlaps([each["question"] for each in read_questions()], texts) == []


@pytest.mark.parametrize("context", read_shares()["unknown"])
def test_an_unknown_problem_is_declined_without_a_number(context: str) -> None:
    """Whatever hint is there, the model writes no digit and names the task."""
    rng = random.Random(3)
    for _ in range(100):
        text = draw_declined(rng, context)
        learnt = "".join(piece for piece, flag in text.pieces if flag)
        task = re.search(r"I have to (.+?)\.(?: |\n)", learnt)
        assert task is not None
        assert format_refusal(task[1]) in learnt
        assert "Answer:" not in learnt
        assert not re.search(r"\d", learnt)
