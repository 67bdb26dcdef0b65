"""What a problem is solved under: one or several hints, notes, documents, or nothing.

Each context is what some plan of the loop, or some method that it is compared with, puts before the
model. `hints` stand in the thoughts, the rest in the user's message.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from models.curriculum.chat.texts import draw_advice, draw_document, draw_template
from models.curriculum.families import read_families
from models.curriculum.forms import draw_problem
from models.curriculum.invented import draw_invented
from models.curriculum.problem import Problem
from models.curriculum.texts.family_problems import (
    as_problem,
    draw_known,
    family_entry,
    known_forms,
)
from models.seed.handwritten import handwritten
from rm_local.loop import hint_note, hint_text
from rm_local.records import Entry

GENERIC = Entry(
    "How to solve a problem carefully?",
    "For problems like this, I should read the question twice, list what is given and what is "
    "asked, choose the operations one by one, carry them out, and check that the result makes "
    "sense.",
)
"""The one static hint that fits every problem and tells nothing."""


KEPT_APART = (
    "How to add two fractions with different denominators?",
    "How to compute the time needed when people or machines work together at different rates?",
    "How to split a quantity in a given ratio when parts are later changed?",
)
"""Entries of the seed store that tell how a held-out family is solved."""


@cache
def prose_entries() -> tuple[Entry, ...]:
    """The hand-written entries of the seed store that a training text may hold."""
    return tuple(entry for entry in handwritten() if entry.subproblem not in KEPT_APART)


@dataclass(frozen=True, slots=True)
class Context:
    """What the model reads besides the question, and what it says of it."""

    cued: bool = True
    hints: str = ""
    """Behind the subproblem, each in a line."""
    before: str = ""
    """In the user's message, before the question."""
    note: str = ""
    """In the user's message, after the question."""
    remark: str = ""
    """What the model thinks of it before it works."""
    shows_way: bool = False
    """Whether it tells how the problem is solved."""
    delayed: bool = False
    """Whether the hints come when the model has begun to think."""


def draw_context(rng: random.Random, kind: str, problem: Problem) -> Context:
    """A context of this kind for the problem."""
    return _KINDS[kind](rng, problem)


def _fitting(rng: random.Random, problem: Problem) -> Context:
    hints = _told(rng.choice(problem.entries))
    return Context(hints=hints, remark="The hint fits.", shows_way=True)


def _wrong(rng: random.Random, problem: Problem) -> Context:
    hints = _told(_other_entry(rng, problem))
    return Context(hints=hints, remark="The hint is about something else.")


def _several(rng: random.Random, problem: Problem) -> Context:
    others = [_other_entry(rng, problem) for _ in range(rng.choice((1, 1, 2)))]
    at = rng.randrange(len(others) + 1)
    entries = [*others[:at], rng.choice(problem.entries), *others[at:]]
    place = ("first", "second", "third")[at]
    hints = "".join(map(_told, entries))
    return Context(hints=hints, remark=f"The {place} hint fits.", shows_way=True)


def _unfitting(rng: random.Random, problem: Problem) -> Context:
    """Two or three hints for other problems."""
    hints = "".join(_told(_other_entry(rng, problem)) for _ in range(rng.choice((2, 2, 3))))
    return Context(hints=hints, remark="None of the hints fits.")


def _misleading(rng: random.Random, problem: Problem) -> Context:
    """The right question with the procedure of another one; never for an invented procedure."""
    other = _other_entry(rng, problem)
    hints = _told(replace(other, subproblem=problem.subproblem))
    return Context(hints=hints, remark="The steps of the hint do not fit.")


def _advice(rng: random.Random, problem: Problem) -> Context:
    advice = draw_advice(rng) if rng.random() < 0.5 else rng.choice(prose_entries())
    return Context(hints=_told(advice), remark="The hint is general advice.")


def _generic(_: random.Random, problem: Problem) -> Context:
    return Context(hints=_told(GENERIC), remark="The hint is general advice.")


def _document(rng: random.Random, problem: Problem) -> Context:
    documents = [draw_document(rng) for _ in range(rng.choice((1, 1, 2)))]
    return Context(cued=False, before="\n\n".join(documents) + "\n\n")


def _trajectory(rng: random.Random, problem: Problem) -> Context:
    """A worked solution: of the same kind for known families, else of anything."""
    other, same = _solved_before(rng, problem)
    remark = "The worked example fits." if same else "The example is about something else."
    hints = f"{_example(other.question, other.work, other.answer)}\n"
    return Context(hints=hints, remark=remark, shows_way=same)


def _trajectory_prefix(rng: random.Random, problem: Problem) -> Context:
    other, same = _solved_before(rng, problem)
    words = f"{other.work}".split(" ")
    begun = " ".join(words[: max(3, len(words) * rng.randint(30, 60) // 100)])
    remark = "The begun example fits." if same else "The example is about something else."
    return Context(hints=f"{_example(other.question, begun, '')}\n", remark=remark)


def _template(rng: random.Random, problem: Problem) -> Context:
    hints = _told(Entry("How to think about a problem?", draw_template(rng)))
    return Context(hints=hints, remark="The hint is general advice.")


def _note(rng: random.Random, problem: Problem) -> Context:
    fits = rng.random() < 0.7
    entry = rng.choice(problem.entries) if fits else _other_entry(rng, problem)
    note = hint_note(entry.subproblem, entry.subroutine, problem.question)
    remark = "The note fits." if fits else "The note is about something else."
    return Context(cued=False, note=note, remark=remark, shows_way=fits)


def _second(rng: random.Random, problem: Problem) -> Context:
    return replace(_fitting(rng, problem), delayed=True)


_KINDS: dict[str, Callable[[random.Random, Problem], Context]] = {
    "bare": lambda _rng, _problem: Context(cued=False),
    "cue": lambda _rng, _problem: Context(),
    "fitting": _fitting,
    "wrong": _wrong,
    "several": _several,
    "unfitting": _unfitting,
    "misleading": _misleading,
    "advice": _advice,
    "generic": _generic,
    "document": _document,
    "trajectory": _trajectory,
    "trajectory_prefix": _trajectory_prefix,
    "template": _template,
    "note": _note,
    "second": _second,
}


def _told(entry: Entry) -> str:
    return hint_text(entry.subproblem, entry.subroutine) + "\n"


def _example(question: str, work: str, answer: str) -> str:
    """A worked solution in the form of a hint."""
    end = f" Answer: {answer}" if answer else " ..."
    said = " ".join(question.split())
    opening = f'[hint] Here is a worked solution of a related question "{said}":'
    return f"{opening} {work}{end} [end of hint]"


def _solved_before(rng: random.Random, problem: Problem) -> tuple[Problem, bool]:
    """Another solved problem, and whether it is of the same kind."""
    forms = known_forms().get(problem.family)
    if forms and rng.random() < 0.7:
        return as_problem(rng, draw_problem(rng, rng.choice(forms))), True
    return (as_problem(rng, draw_known(rng)) if rng.random() < 0.5 else draw_invented(rng)), False


def _other_entry(rng: random.Random, problem: Problem) -> Entry:
    """An entry that is not for this problem."""
    draw = rng.random()
    if draw < 0.15:
        return rng.choice(prose_entries())
    if draw < 0.6:
        families = read_families()
        while (name := rng.choice(list(known_forms()))) == problem.family:
            pass
        return family_entry(rng, families[name])
    while (other := draw_invented(rng)).name == problem.name:
        pass
    return rng.choice(other.entries)
