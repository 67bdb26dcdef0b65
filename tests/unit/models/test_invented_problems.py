"""Problems with invented procedures: right, various, and solvable from their entries alone."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from models.curriculum.check import contains_answer
from models.curriculum.families import read_families
from models.curriculum.invented import (
    draw_invented_problem,
    machines,
    numeric,
    strings,
    unit_systems,
)
from models.curriculum.invented.lookalikes import matches_held_out_family
from models.curriculum.invented.numeric_asking import TEXTS as ASKS
from models.curriculum.invented.numeric_steps import OPERATIONS, VALUES, Step
from models.curriculum.invented.posing import (
    AnswerDiffersError,
    WorkedSteps,
    confirm_answer,
    find_shared_numbers,
    list_calculations,
)
from models.curriculum.invented.prose import STYLES
from models.curriculum.invented.string_rules import OPERATIONS as STRING_OPERATIONS
from models.curriculum.invented.tables import read_table
from models.curriculum.overlap import find_overlaps
from models.curriculum.problem import Problem
from rm_local.engine import evaluate_expression

DRAWS = 300
"""Problems of each kind."""
KINDS: dict[str, Callable[[random.Random], Problem]] = {
    "numeric": numeric.draw_quantity_problem,
    "strings": strings.draw_string_problem,
    "machines": machines.draw_machine_problem,
    "unit_systems": unit_systems.draw_unit_problem,
}
DOMAINS = {"math", "science", "code", "practical"}
QUESTIONS = Path(__file__).resolve().parents[3] / "models/curriculum/questions/questions.jsonl"
HELD_OUT_WORDS = (
    "triangle",
    "trapezoid",
    "perimeter",
    "hypotenuse",
    "slope",
    "handshake",
    "polygon",
    "kinetic",
    "potential energy",
    "fahrenheit",
    "stopping distance",
    "push and pop",
    "binary",
    "running total",
    "caesar",
    "run length",
    "map scale",
    "kilowatt",
    "body mass",
    "interest",
    "profit",
    "day of the year",
    "clock hand",
    "time zone",
    "weighted mean",
    "fence post",
)


@cache
def drawn(kind: str) -> tuple[Problem, ...]:
    rng = random.Random(f"{kind} 1")
    return tuple(KINDS[kind](rng) for _ in range(DRAWS))


def texts(problem: Problem) -> str:
    hints = " ".join(f"{e.subproblem} {e.subroutine}" for e in problem.entries)
    return f"{problem.name} {problem.question} {problem.subproblem} {hints}".lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_calculation_of_the_work_has_the_calculators_value(kind: str) -> None:
    for problem in drawn(kind):
        for expression, result in list_calculations(problem.work):
            assert evaluate_expression(expression) == result, problem.work
        assert problem.work.count("<<") == len(list_calculations(problem.work)), problem.work


@pytest.mark.parametrize("kind", KINDS)
def test_the_work_says_the_answer_at_its_end(kind: str) -> None:
    for problem in drawn(kind):
        last = problem.work[-len(problem.answer) - 80 :]
        said = contains_answer(problem.answer, last) or problem.answer in last.rpartition(" is ")[2]
        assert said, problem.work


def test_an_answer_that_differs_from_the_work_is_refused() -> None:
    working = WorkedSteps()
    working.add_calculation("Add:", "2+3")
    confirm_answer("5", working)
    with pytest.raises(AnswerDiffersError):
        confirm_answer("6", working)
    with pytest.raises(AnswerDiffersError):
        working.add_calculation("Divide:", "2/0")


@pytest.mark.parametrize("operation", VALUES)
def test_an_operation_is_the_same_in_python_and_in_the_calculator(operation: str) -> None:
    calc = OPERATIONS[operation]["calc"]
    for a, b in ((17, 5), (40, 25), (3, 8)):
        mine = VALUES[operation](Fraction(a), Fraction(b))
        assert Fraction(str(evaluate_expression(calc.format(a=a, b=b)))) == mine


def test_no_wrong_python_value_of_a_rule_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for operation in list(VALUES):
        monkeypatch.setitem(VALUES, operation, lambda a, b: a * a + b + 1001)
    rng = random.Random(1)
    with pytest.raises(AnswerDiffersError):
        numeric.draw_quantity_problem(rng)


@pytest.mark.parametrize("kind", KINDS)
def test_questions_and_procedures_vary(kind: str) -> None:
    problems = drawn(kind)
    assert len({p.question for p in problems}) >= 0.95 * DRAWS
    assert len({p.entries[0].subroutine for p in problems}) >= 0.95 * DRAWS


@pytest.mark.parametrize("kind", KINDS)
def test_no_number_of_the_question_stands_in_an_entry(kind: str) -> None:
    for problem in drawn(kind):
        for entry in problem.entries:
            assert not find_shared_numbers(problem.question, entry.subroutine), problem
            assert not re.search(r"\d", entry.subproblem), entry.subproblem


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_holds_no_procedure(kind: str) -> None:
    for problem in drawn(kind):
        asked = problem.question.replace(problem.name, "it")
        for entry in problem.entries:
            assert not find_overlaps([asked], [entry.subroutine], length=10), problem
        assert len(problem.question) < 300


@pytest.mark.parametrize("kind", KINDS)
def test_entries_are_questions_in_general_words_with_a_domain(kind: str) -> None:
    for problem in drawn(kind):
        assert 1 <= len(problem.entries) <= 2
        assert (problem.family, problem.known) == ("invented", False)
        assert problem.subproblem.startswith("How to ")
        assert problem.subproblem.endswith("?")
        for entry in problem.entries:
            assert entry.domain in DOMAINS
            assert entry.subproblem.endswith("?")
            assert 20 < len(entry.subroutine) < 1100, entry.subroutine


@pytest.mark.parametrize("kind", KINDS)
def test_no_slot_is_left_open(kind: str) -> None:
    for problem in drawn(kind):
        assert not re.search(r"[{}]", f"{texts(problem)} {problem.work}"), problem
        assert not re.search(r" {2}| ,| \.(?!\d)", problem.question), problem.question


@pytest.mark.parametrize("kind", KINDS)
def test_no_held_out_family_is_named(kind: str) -> None:
    names = [f.name.replace("-", " ") for f in read_families().values() if f.split == "held-out"]
    subproblems = {f.subproblem.lower() for f in read_families().values()}
    for problem in drawn(kind):
        said = texts(problem)
        assert not [n for n in (*names, *HELD_OUT_WORDS) if n in said], said
        assert not {e.subproblem.lower() for e in problem.entries} & subproblems


def test_a_held_out_formula_is_found_under_any_name() -> None:
    half = (Step("multiply", "a", "b"), Step("halve", "#1"))
    around = (Step("add", "x", "y"), Step("double", "#1"))
    pairs = (Step("subtract", "n", Fraction(1)), Step("multiply", "#1", "n"), Step("halve", "#2"))
    gain = (Step("subtract", "c", "a"), Step("multiply", "#1", "b"))
    assert matches_held_out_family(half, ("a", "b"))
    assert matches_held_out_family(around, ("x", "y"))
    assert matches_held_out_family(pairs, ("n",))
    assert matches_held_out_family(gain, ("a", "b", "c"))
    assert not matches_held_out_family((*gain, Step("add", "#2", Fraction(7))), ("a", "b", "c"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_question_is_like_one_that_models_are_measured_on(kind: str) -> None:
    asked = [json.loads(line)["question"] for line in QUESTIONS.read_text("utf-8").splitlines()]
    found = find_overlaps(asked, [p.question for p in drawn(kind)])
    assert not [(o.text, " ".join(o.words)) for o in found]


def test_there_are_many_styles_phrasings_and_question_patterns() -> None:
    assert len(set(STYLES)) >= 12
    assert all(len(set(row["phrases"])) >= 4 for row in OPERATIONS.values())
    assert len(ASKS["patterns"]) + len(ASKS["patterns_of_thing"]) >= 25
    phrases = read_table("strings")["phrases"]
    assert {name.split(":")[0] for name in STRING_OPERATIONS} == set(phrases)
    assert all(len(set(texts)) >= 4 for texts in phrases.values())


def test_all_kinds_are_drawn_alike_from_one_seed() -> None:
    first, again = (
        [draw_invented_problem(random.Random(seed)).question for seed in range(40)]
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == 40
