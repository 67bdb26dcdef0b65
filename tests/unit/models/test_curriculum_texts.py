"""The training texts of rm-small: what is in them, what is learnt of them, what is kept out."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from jinja2 import Template

from models.curriculum.check import find_form_faults
from models.curriculum.families import read_families
from models.curriculum.forms import FOLDER, read_form_file, read_forms
from models.curriculum.measure import read_questions
from models.curriculum.overlap import find_overlaps
from models.curriculum.texts import TrainingText, draw_text
from models.curriculum.texts.mixture import rewrite_in_second_person
from models.curriculum.texts.spelling import spell_out_calculations
from models.curriculum.texts.training_text import END, USER, format_prompt
from models.curriculum.texts.typing_manner import imitate_typing
from rm_local.engine import evaluate_expression
from rm_local.library import RM_SMALL_TEMPLATE

FILES = sorted(FOLDER.glob("*.toml"))


@pytest.fixture(scope="module")
def texts() -> Sequence[TrainingText]:
    """Training texts as they are drawn."""
    rng = random.Random(11)
    return [draw_text(rng) for _ in range(4_000)]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_form_solves_what_it_asks(path: Path) -> None:
    """Each wording is filled, worked and answered as its family says."""
    assert list(find_form_faults(read_form_file(path))) == []


def test_every_family_has_forms() -> None:
    """The 60 known and the 40 held-out ones."""
    assert {form.family.name for form in read_forms()} == set(read_families())


def test_no_held_out_family_is_trained_on(texts: Sequence[TrainingText]) -> None:
    """Neither its question nor its procedure is in any text."""
    families = read_families().values()
    known = {step for family in families if family.split == "known" for step in family.steps}
    kept_apart = [
        part
        for family in families
        if family.split == "held-out"
        for part in (family.subproblem, *family.steps)
        if part not in known
    ]

    assert [part for part in kept_apart if any(part in text.text for text in texts)] == []


def test_no_question_shares_six_words_with_a_text(texts: Sequence[TrainingText]) -> None:
    """Names and numbers are masked; all that a user writes in the text is compared."""
    asked = [each["question"] for each in read_questions()]
    typed = [part.partition(END)[0] for text in texts for part in text.text.split(USER)[1:]]

    assert find_overlaps(asked, typed) == []


def test_only_what_the_model_writes_is_learnt(texts: Sequence[TrainingText]) -> None:
    """Never the user's words, the cue, a hint, or the result of a calculation."""
    for text in texts:
        learnt = "".join(piece for piece, flag in text.pieces if flag)
        assert "[hint]" not in learnt
        assert USER not in learnt
        assert not re.search(r"=[^<>=\n]+>>", learnt)


def test_the_results_of_all_calculations_are_the_calculators(
    texts: Sequence[TrainingText],
) -> None:
    """In what the model writes and in worked examples alike."""
    for text in texts[:1_500]:
        for expression, result in re.findall(r"<<((?:(?!<<)[^\n])+?)=([^=<>\n]+)>>", text.text):
            assert evaluate_expression(expression) == result


def test_a_prompt_is_what_the_template_renders() -> None:
    """With the turns before it."""
    earlier = [("What is 2+2?", "Answer: 4")]
    messages = [
        {"role": "user", "content": "What is 2+2?"},
        {"role": "assistant", "content": "Answer: 4"},
        {"role": "user", "content": "And 3+3?"},
    ]
    rendered = Template(RM_SMALL_TEMPLATE).render(messages=messages, add_generation_prompt=True)

    assert format_prompt("And 3+3?", earlier) == rendered


def test_arithmetic_is_spelt_out_rightly_when_the_user_wants_it_so() -> None:
    """Each step is right, and the question says that no calculator is wanted."""
    rng = random.Random(2)
    spelled = 0
    for _ in range(3_000):
        a, b, operation = rng.randint(0, 900), rng.randint(0, 900), rng.choice("+-")
        if operation == "-":
            a, b = max(a, b), min(a, b)
        result = evaluate_expression(f"{a}{operation}{b}")
        work, question = spell_out_calculations(rng, f"<<{a}{operation}{b}={result}>>", "How much?")
        if question != "How much?":
            spelled += 1
            steps = re.findall(r"(\d+[-+]\d+)=(\d+)", work)
            assert steps[-1][1] == result
            assert all(evaluate_expression(step) == value for step, value in steps)
    assert spelled > 50


def test_code_is_typed_as_it_is() -> None:
    """No letter, capital or sign of a program changes."""
    rng = random.Random(4)
    code = "What does print(sorted([3, 1])) show?"

    assert all(code.rstrip("?") in imitate_typing(rng, code) for _ in range(300))


def test_a_procedure_is_rephrased_in_the_second_person() -> None:
    """In the second person."""
    rewritten = rewrite_in_second_person(
        "For problems like this, I should read my notes. I then stop. Good. More."
    )

    assert rewritten == "You should read your notes. You then stop. Good."
