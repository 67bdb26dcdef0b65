"""Contexts under which a problem is solved: one or several hints, notes, documents, or nothing.

Each context is put before the model by a plan of the loop, or by a method with which the loop is
compared. Hints are in the model's thinking, all else in the user's message.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from models.curriculum.chat.texts import draw_advice, draw_document, draw_thought_template
from models.curriculum.families import read_families
from models.curriculum.forms import draw_problem
from models.curriculum.invented import draw_invented_problem
from models.curriculum.problem import Problem
from models.curriculum.texts.family_problems import (
    build_typed_problem,
    draw_family_entry,
    draw_known_problem,
    group_known_forms,
)
from models.seed.handwritten import read_handwritten_entries
from rm_local.loop import format_hint_for_thinking, format_hint_for_user_message
from rm_local.records import Entry

GENERIC = Entry(
    "How to solve a problem carefully?",
    "For problems like this, I should read the question twice, list what is given and what is "
    "asked, choose the operations one by one, carry them out, and check that the result makes "
    "sense.",
)
"""A fixed hint that fits every problem and helps with none."""


KEPT_APART = (
    "How to add two fractions with different denominators?",
    "How to compute the time needed when people or machines work together at different rates?",
    "How to split a quantity in a given ratio when parts are later changed?",
)
"""Subproblems of seed store entries that describe the solution of a held-out family."""


@cache
def list_trainable_entries() -> tuple[Entry, ...]:
    """Return the handwritten entries that a training text may contain."""
    return tuple(
        entry for entry in read_handwritten_entries() if entry.subproblem not in KEPT_APART
    )


@dataclass(frozen=True, slots=True)
class Context:
    """Texts that the model reads in addition to the question, and its remark on them."""

    cued: bool = True
    hints: str = ""
    """Hints after the subproblem, one a line."""
    before: str = ""
    """Text in the user's message before the question."""
    note: str = ""
    """Text in the user's message after the question."""
    remark: str = ""
    """Sentence on the context that the model writes before it works."""
    shows_way: bool = False
    """Whether the context describes how the problem is solved."""
    delayed: bool = False
    """Whether the hints are inserted after the model has begun to think."""


def draw_context(rng: random.Random, kind: str, problem: Problem) -> Context:
    """Draw a context of this kind (a key of `_KINDS`) for the problem."""
    return _KINDS[kind](rng, problem)


def _draw_fitting_hint(rng: random.Random, problem: Problem) -> Context:
    hints = _format_hint_line(rng.choice(problem.entries))
    return Context(hints=hints, remark="The hint fits.", shows_way=True)


def _draw_wrong_hint(rng: random.Random, problem: Problem) -> Context:
    hints = _format_hint_line(_draw_unrelated_entry(rng, problem))
    return Context(hints=hints, remark="The hint is about something else.")


def _draw_several_hints(rng: random.Random, problem: Problem) -> Context:
    others = [_draw_unrelated_entry(rng, problem) for _ in range(rng.choice((1, 1, 2)))]
    at = rng.randrange(len(others) + 1)
    entries = [*others[:at], rng.choice(problem.entries), *others[at:]]
    place = ("first", "second", "third")[at]
    hints = "".join(map(_format_hint_line, entries))
    return Context(hints=hints, remark=f"The {place} hint fits.", shows_way=True)


def _draw_unfitting_hints(rng: random.Random, problem: Problem) -> Context:
    """Draw two or three hints for other problems."""
    count = rng.choice((2, 2, 3))
    hints = "".join(_format_hint_line(_draw_unrelated_entry(rng, problem)) for _ in range(count))
    return Context(hints=hints, remark="None of the hints fits.")


def _draw_misleading_hint(rng: random.Random, problem: Problem) -> Context:
    """Draw a hint with the problem's subproblem and another procedure; for known families only."""
    other = _draw_unrelated_entry(rng, problem)
    hints = _format_hint_line(replace(other, subproblem=problem.subproblem))
    return Context(hints=hints, remark="The steps of the hint do not fit.")


def _draw_advice_hint(rng: random.Random, problem: Problem) -> Context:
    advice = draw_advice(rng) if rng.random() < 0.5 else rng.choice(list_trainable_entries())
    return Context(hints=_format_hint_line(advice), remark="The hint is general advice.")


def _use_generic_hint(_: random.Random, problem: Problem) -> Context:
    return Context(hints=_format_hint_line(GENERIC), remark="The hint is general advice.")


def _draw_documents(rng: random.Random, problem: Problem) -> Context:
    documents = [draw_document(rng) for _ in range(rng.choice((1, 1, 2)))]
    return Context(cued=False, before="\n\n".join(documents) + "\n\n")


def _draw_worked_example(rng: random.Random, problem: Problem) -> Context:
    """Draw a hint with a worked solution, mostly of the same family if that is known."""
    other, same = _draw_other_solved_problem(rng, problem)
    remark = "The worked example fits." if same else "The example is about something else."
    hints = f"{_format_example(other.question, other.work, other.answer)}\n"
    return Context(hints=hints, remark=remark, shows_way=same)


def _draw_begun_example(rng: random.Random, problem: Problem) -> Context:
    other, same = _draw_other_solved_problem(rng, problem)
    words = f"{other.work}".split(" ")
    begun = " ".join(words[: max(3, len(words) * rng.randint(30, 60) // 100)])
    remark = "The begun example fits." if same else "The example is about something else."
    return Context(hints=f"{_format_example(other.question, begun, '')}\n", remark=remark)


def _draw_template_hint(rng: random.Random, problem: Problem) -> Context:
    hints = _format_hint_line(Entry("How to think about a problem?", draw_thought_template(rng)))
    return Context(hints=hints, remark="The hint is general advice.")


def _draw_note(rng: random.Random, problem: Problem) -> Context:
    fits = rng.random() < 0.7
    entry = rng.choice(problem.entries) if fits else _draw_unrelated_entry(rng, problem)
    note = format_hint_for_user_message(entry.subproblem, entry.subroutine, problem.question)
    remark = "The note fits." if fits else "The note is about something else."
    return Context(cued=False, note=note, remark=remark, shows_way=fits)


def _draw_delayed_hint(rng: random.Random, problem: Problem) -> Context:
    return replace(_draw_fitting_hint(rng, problem), delayed=True)


_KINDS: dict[str, Callable[[random.Random, Problem], Context]] = {
    "bare": lambda _rng, _problem: Context(cued=False),
    "cue": lambda _rng, _problem: Context(),
    "fitting": _draw_fitting_hint,
    "wrong": _draw_wrong_hint,
    "several": _draw_several_hints,
    "unfitting": _draw_unfitting_hints,
    "misleading": _draw_misleading_hint,
    "advice": _draw_advice_hint,
    "generic": _use_generic_hint,
    "document": _draw_documents,
    "trajectory": _draw_worked_example,
    "trajectory_prefix": _draw_begun_example,
    "template": _draw_template_hint,
    "note": _draw_note,
    "second": _draw_delayed_hint,
}


def _format_hint_line(entry: Entry) -> str:
    return format_hint_for_thinking(entry.subproblem, entry.subroutine) + "\n"


def _format_example(question: str, work: str, answer: str) -> str:
    """Format a worked solution as a hint; without an answer, it ends in dots."""
    end = f" Answer: {answer}" if answer else " ..."
    said = " ".join(question.split())
    opening = f'[hint] Here is a worked solution of a related question "{said}":'
    return f"{opening} {work}{end} [end of hint]"


def _draw_other_solved_problem(rng: random.Random, problem: Problem) -> tuple[Problem, bool]:
    """Draw another solved problem; also return whether it is of the same family."""
    forms = group_known_forms().get(problem.family)
    if forms and rng.random() < 0.7:
        return build_typed_problem(rng, draw_problem(rng, rng.choice(forms))), True
    return (
        build_typed_problem(rng, draw_known_problem(rng))
        if rng.random() < 0.5
        else draw_invented_problem(rng)
    ), False


def _draw_unrelated_entry(rng: random.Random, problem: Problem) -> Entry:
    """Draw an entry that does not solve this problem."""
    draw = rng.random()
    if draw < 0.15:
        return rng.choice(list_trainable_entries())
    if draw < 0.6:
        families = read_families()
        while (name := rng.choice(list(group_known_forms()))) == problem.family:
            pass
        return draw_family_entry(rng, families[name])
    while (other := draw_invented_problem(rng)).name == problem.name:
        pass
    return rng.choice(other.entries)
