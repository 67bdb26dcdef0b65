"""What rm-nano is trained on is right, varied, and keeps the held-out families out."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from models.nano.curriculum import (
    KNOWN,
    arithmetic,
    draw_trajectory,
    heldout,
    invented,
    list_curriculum_entries,
    list_taken_names,
)
from models.nano.curriculum.known import KnownFamily
from models.nano.curriculum.manner import imitate_typing
from models.nano.curriculum.procedure import OutOfReachError, build_step, work_steps
from models.nano.curriculum.trajectory import HintEntry, build_solved_trajectory, format_refusal
from rm_local.loop import prompts


def _sides(steps: str) -> list[tuple[str, str]]:
    """Neighbouring sides of every chain of equal signs that holds numbers alone."""
    chains = re.findall(r"(?:[\d+*/-]+=)+[\d+*/-]+", steps)
    sides = [chain.split("=") for chain in chains]
    return [pair for chain in sides for pair in pairwise(chain)]


@pytest.mark.parametrize("seed", range(6))
def test_every_worked_equation_holds(seed: int) -> None:
    """Both sides of each equal sign in a trajectory's steps have the same value."""
    rng = random.Random(seed)
    problems = [invented.draw_invented_problem(rng, list_taken_names()) for _ in range(150)]
    problems += [family.draw_problem(rng) for family in KNOWN for _ in range(5)]
    problems += [family.draw_problem(rng) for family in heldout.read_procedures()]

    checked = 0
    for problem in problems:
        for left, right in _sides(problem.steps):
            assert eval(left) == eval(right), problem.steps
            checked += 1

    assert checked > 300


@pytest.mark.parametrize("family", KNOWN, ids=lambda family: family.slug)
def test_known_family_is_asked_in_eight_wordings(family: KnownFamily) -> None:
    """Each known family has at least eight wordings, all different."""
    assert len(set(family.wordings)) >= 8


def test_known_families_cover_math_science_and_code() -> None:
    """At least twelve families, from all three fields."""
    domains = {family.domain for family in KNOWN}

    assert len(KNOWN) >= 12
    assert {"math", "physics", "code"} <= domains


def test_training_never_draws_a_held_out_family() -> None:
    """No trajectory of the training stream asks for a held-out procedure or is hinted at one."""
    rng = random.Random(1)
    text = "".join(draw_trajectory(rng).text for _ in range(3000))

    for name in heldout.list_procedure_names():
        assert f"I need the {name}." not in text
        assert f"The hint is for the {name}," not in text


def test_the_result_of_a_procedure_is_that_of_its_formula() -> None:
    """Kinetic energy worked step by step is half of mass times speed squared."""
    steps = (
        build_step("take", "speed"),
        build_step("itself"),
        build_step("multiply", "mass"),
        build_step("halve"),
    )

    clauses, result = work_steps(steps, {"mass": 6, "speed": 5})

    assert result == 6 * 5 * 5 // 2
    assert clauses.startswith("start with the speed: 5; multiply it by itself: 5*5=25; ")


def test_a_division_that_leaves_a_rest_is_refused() -> None:
    """Steps never claim an uneven quotient."""
    with pytest.raises(OutOfReachError):
        work_steps((build_step("quotient", "mass", "volume"),), {"mass": 7, "volume": 2})


@pytest.mark.parametrize(
    ("a", "b"), [(34, 7), (7, 34), (34, 27), (90, 20), (-8, 56), (13, 13), (1, 0)]
)
def test_a_spelled_product_ends_in_the_product(a: int, b: int) -> None:
    """The last number of the spelling is a times b."""
    assert arithmetic.spell_product(a, b).rsplit("=", 1)[1] == str(a * b)


def test_a_trajectory_holds_the_texts_of_the_loop() -> None:
    """Cue, hint and `Okay,` are put together as the loop does it when it runs."""
    problem = heldout.read_procedures()[0].draw_problem(random.Random(2))
    trajectory = build_solved_trajectory(problem, HintEntry(problem.entry, problem.name), cued=True)

    hint = prompts.format_hint_for_thinking(problem.entry.subproblem, problem.entry.subroutine)

    assert prompts.format_reasoning_cue(problem.subproblem, hint) in trajectory.text


def test_the_model_is_not_trained_to_write_hints_or_questions() -> None:
    """Only subproblem, thought and answer are learnt; question, cue and hint are given."""
    problem = heldout.read_procedures()[0].draw_problem(random.Random(2))
    pieces = build_solved_trajectory(
        problem, HintEntry(problem.entry, problem.name), cued=True
    ).pieces

    learnt = "".join(text for text, learn in pieces if learn)

    assert problem.question not in learnt
    assert problem.entry.subroutine not in learnt
    assert learnt.startswith(f" {problem.subproblem}\n I need the")


def test_an_unknown_procedure_under_another_hint_is_declined() -> None:
    """The wrong hint is named as such, and the answer says that the way is not known."""
    one, two = heldout.read_procedures()[:2]
    problem = one.draw_problem(random.Random(3))

    text = build_solved_trajectory(problem, HintEntry(two.build_entry(), two.name), cued=True).text

    assert f"The hint is for the {two.name}, so it does not fit." in text
    assert format_refusal(one.name) in text
    assert "Answer:" not in text


def test_code_is_typed_as_it_stands() -> None:
    """A program keeps its lines and capitals in every manner of typing."""
    program = "x = 1\nfor i in range(2):\n    x = x + 1\nprint(x)"

    assert {imitate_typing(random.Random(seed), program) for seed in range(50)} == {program}


def test_every_family_has_one_entry() -> None:
    """The seed store gets one pair for each known and each held-out family, no two alike."""
    pairs = list_curriculum_entries()

    assert len(pairs) == len(KNOWN) + len(heldout.read_procedures())
    assert len({pair.subproblem for pair in pairs}) == len(pairs)
    assert len({pair.subroutine for pair in pairs}) == len(pairs)
