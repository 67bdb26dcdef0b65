"""Forms of the families: how inputs are drawn, how people word the problem, how it is worked.

The files are `wordings/*.toml`; README.md explains their keys. A form draws any number of problems;
the answer of each comes from its family, computed independently of the form's own steps.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.curriculum.draws import draw_values
from models.curriculum.families import Family, read_families
from models.curriculum.slots import fill_wording, fill_work

FOLDER = Path(__file__).with_name("wordings")


class InvalidFormError(Exception):
    """A file of forms names an unknown family or key."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A kind of question that refers back to a problem with some inputs changed."""

    change: tuple[str, ...]
    """Names of the inputs that are drawn again."""
    text: tuple[str, ...]
    """Wordings of the follow-up question."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to draw, word and work problems of a family."""

    family: Family
    draw: tuple[str, ...]
    """Assignments `name = expression`, in order; they set all inputs of the family."""
    where: str
    """Condition on the values, an expression; empty without a condition."""
    work: tuple[str, ...]
    """Alternative solutions, with calculations `<<...>>`."""
    wordings: tuple[str, ...]
    again: tuple[FollowUp, ...]

    @property
    def known(self) -> bool:
        """Whether a model has to solve the family without a hint."""
        return self.family.split == "known"


@dataclass(frozen=True, slots=True)
class WordedProblem:
    """One problem of a form: its values, its question, and its solution."""

    form: Form
    values: Mapping[str, object]
    question: str
    work: str
    """The worked steps, with the results of all calculations."""
    answer: str


@cache
def read_forms() -> tuple[Form, ...]:
    """Return the forms of all files, in the order of the files.

    Raises:
        InvalidFormError: A file names a family that does not exist, or a key that no form has.
    """
    return tuple(form for path in sorted(FOLDER.glob("*.toml")) for form in read_form_file(path))


def read_form_file(path: Path) -> tuple[Form, ...]:
    """Return the forms of one file.

    Raises:
        InvalidFormError: It names a family that does not exist, or a key that no form has.
    """
    families = read_families()
    found: list[Form] = []
    for name, rows in tomllib.loads(path.read_text(encoding="utf-8")).items():
        if name not in families:
            raise InvalidFormError(f"{path.name}: there is no family {name}.")
        for row in rows if isinstance(rows, list) else [rows]:
            found.append(_read_form(path, families[name], row))
    return tuple(found)


def _read_form(path: Path, family: Family, row: Mapping[str, object]) -> Form:
    unknown = row.keys() - {"draw", "where", "work", "wordings", "again"}
    if unknown:
        raise InvalidFormError(f"{path.name}: {family.name} has no key {', '.join(unknown)}.")
    again = row.get("again", ())
    assert isinstance(again, Sequence)
    return Form(
        family=family,
        draw=_to_texts(row["draw"]),
        where=str(row.get("where", "")),
        work=_to_texts(row["work"]),
        wordings=_to_texts(row["wordings"]),
        again=tuple(FollowUp(_to_texts(each["change"]), _to_texts(each["text"])) for each in again),
    )


def draw_problem(rng: random.Random, form: Form) -> WordedProblem:
    """Draw a problem of the form in one of its wordings."""
    values = draw_values(rng, form.draw, form.where)
    return build_worded_problem(rng, form, values, rng.choice(form.wordings))


def draw_follow_up(rng: random.Random, before: WordedProblem) -> WordedProblem | None:
    """Draw the same problem with some inputs changed, in words that refer back to it.

    Returns None if the form has no such question or the inputs drawn are the same.
    """
    form = before.form
    if not form.again:
        return None
    follow_up = rng.choice(form.again)
    kept = {k: v for k, v in before.values.items() if k not in follow_up.change}
    values = draw_values(rng, form.draw, form.where, kept)
    if all(values[name] == before.values[name] for name in follow_up.change):
        return None
    return build_worded_problem(rng, form, values, rng.choice(follow_up.text))


def build_worded_problem(
    rng: random.Random, form: Form, values: Mapping[str, object], wording: str
) -> WordedProblem:
    """Return the problem with these values in this wording, and one of the form's solutions."""
    inputs = {name: values[name] for name in form.family.inputs}
    return WordedProblem(
        form,
        values,
        fill_wording(rng, wording, values),
        fill_work(rng.choice(form.work), values),
        form.family.compute_answer(inputs),
    )


def _to_texts(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))  # type: ignore[call-overload]
