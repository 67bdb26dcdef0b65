"""Checks files of forms: `python -m models.curriculum.check models/curriculum/wordings/FILE.toml`.

Draws many problems of each form in each of its wordings, and prints faults and one example.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from models.curriculum.draws import draw_values
from models.curriculum.forms import (
    Form,
    InvalidFormError,
    build_worded_problem,
    draw_follow_up,
    draw_problem,
    read_form_file,
)
from models.curriculum.overlap import find_overlaps
from models.curriculum.slots import InvalidSlotError

WORDINGS = {"known": 30, "held-out": 6}
"""Minimum number of wordings of a family over all its forms, by the family's split."""
QUESTIONS = Path(__file__).parent / "questions" / "questions.jsonl"
_PYTHON_ERRORS = (ValueError, TypeError, NameError, SyntaxError)
"""Errors that evaluating an expression of a form can raise."""
ROUNDS = 20
"""Number of problems drawn of each form, in addition to one in each wording."""


def find_form_faults(forms: tuple[Form, ...], seed: int = 0) -> Iterator[str]:
    """Yield a message for each fault of the forms of a file."""
    counts: dict[str, int] = {}
    for form in forms:
        counts[form.family.name] = counts.get(form.family.name, 0) + len(form.wordings)
        try:
            yield from _check_form(form, random.Random(seed))
        except (InvalidFormError, InvalidSlotError, *_PYTHON_ERRORS) as error:
            yield f"{form.family.name}: {error}"
    for form in {form.family.name: form for form in forms}.values():
        found, least = counts[form.family.name], WORDINGS[form.family.split]
        if found < least:
            yield f"{form.family.name}: {found} wordings, {least} wanted"
    wordings = [text for form in forms for text in form.wordings]
    yield from (f"twice: {text}" for text in {t for t in wordings if wordings.count(t) > 1})


def _check_form(form: Form, rng: random.Random) -> Iterator[str]:
    name, inputs = form.family.name, form.family.inputs
    texts: list[str] = []
    drawn = [
        build_worded_problem(rng, form, draw_values(rng, form.draw, form.where), wording)
        for wording in form.wordings
    ]
    drawn += [draw_problem(rng, form) for _ in range(ROUNDS)]
    for problem in drawn:
        if not contains_answer(problem.answer, problem.work):
            yield f"{name}: the answer {problem.answer} is not in the work: {problem.work}"
        follow_up = draw_follow_up(rng, problem) if form.again else None
        if follow_up and not contains_answer(follow_up.answer, follow_up.work):
            yield f"{name}: follow-up, {follow_up.answer} is not in the work: {follow_up.work}"
        texts += [problem.question, *([follow_up.question] if follow_up else [])]
    asked = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    if form.known:
        for overlap in find_overlaps([each["question"] for each in asked], texts):
            yield f"{name}: six words of one of the 400: {' '.join(overlap.words)} | {overlap.text}"
        if len(form.again) < 1:
            yield f"{name}: no follow-up question"
    for wording in form.wordings:
        missing = [i for i in inputs if f"{{{i}" not in wording]
        shown = set(re.findall(r"\{(\w+)", wording)) - {"name", "name2", "name3", "thing", "place"}
        if missing and not shown - {"x", "y"}:
            yield f"{name}: no input in the wording: {wording}"


def contains_answer(answer: str, work: str) -> bool:
    """Return whether the work states the answer, as a word of its own."""
    said = {"yes": r"True|yes|Yes", "no": r"False|no|No"}.get(answer, re.escape(answer))
    return re.search(rf"(?<![\w.])(?:{said})(?!\w|[.]\d)", work) is not None


def main() -> int:
    """Check the files named on the command line; return 1 if there is any fault, else 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--examples", type=int, default=1, help="shown of each form")
    args = parser.parse_args()
    faults = 0
    rng = random.Random()
    for path in args.files:
        forms = read_form_file(path)
        for fault in find_form_faults(forms):
            faults += 1
            print(f"{path.name}: {fault}")
        for form in forms:
            for _ in range(args.examples):
                problem = draw_problem(rng, form)
                print(f"\n{form.family.name}\n Q {problem.question}\n W {problem.work}")
                print(f" A {problem.answer}")
                if follow_up := draw_follow_up(rng, problem):
                    print(f" Q {follow_up.question}\n W {follow_up.work}\n A {follow_up.answer}")
    print(f"\n{faults} faults")
    return min(faults, 1)


if __name__ == "__main__":
    raise SystemExit(main())
