"""Builds the training text of a problem that is solved under a context."""

from __future__ import annotations

import random
from collections.abc import Sequence

from models.curriculum.problem import Problem
from models.curriculum.texts.contexts import Context
from models.curriculum.texts.family_problems import extract_task
from models.curriculum.texts.spelling import spell_out_calculations
from models.curriculum.texts.training_text import (
    END,
    THOUGHT,
    TrainingText,
    Turn,
    build_cue_pieces,
    build_training_text,
    format_prompt,
    split_forced_results,
)
from rm_local.loop import CUE_OPENING

LOST = "I do not know how, and nothing here tells me."
KNOWN = "I know how."


def build_solution_text(
    rng: random.Random, problem: Problem, context: Context, earlier: Sequence[Turn] = ()
) -> TrainingText:
    """Build the text of the worked problem.

    The model declines instead if it does not know the family and the context shows no way.
    """
    question = f"{context.before}{problem.question}{context.note}"
    work = problem.work
    if not context.note:
        work, question = spell_out_calculations(rng, work, question)
    task = f"I have to {extract_task(problem.subproblem)}."
    if context.delayed:
        return _build_delayed_hint_text(question, problem, context, task, work)
    solves = problem.known or context.shows_way
    lead = [task]
    if context.remark:
        lead.append(context.remark)
    if not solves:
        lead.append(LOST)
    elif problem.known and not context.shows_way:
        lead.append(KNOWN)
    thought = " ".join([*lead, *([work] if solves else [])])
    said = (
        f"Answer: {problem.answer}" if solves else format_refusal(extract_task(problem.subproblem))
    )
    cue = build_cue_pieces(problem.subproblem, context.hints) if context.cued else ()
    return build_training_text(question, thought, said, cue=cue, earlier=earlier)


def _build_delayed_hint_text(
    question: str, problem: Problem, context: Context, task: str, work: str
) -> TrainingText:
    """Build a text in which the hint is inserted after the model has begun to think."""
    begun = split_forced_results(f"{CUE_OPENING} {task} {KNOWN if problem.known else LOST}\n")
    rest = f" {task} {context.remark} {work}{THOUGHT}Answer: {problem.answer}{END}"
    return TrainingText(
        (
            (format_prompt(question), False),
            *begun,
            *build_cue_pieces(problem.subproblem, context.hints),
            *split_forced_results(rest),
        )
    )


def format_refusal(task: str) -> str:
    """Format the model's reply if it does not know how and nothing shows it."""
    return (
        f"I do not know how to {task}, and nothing in the store told me. "
        "An entry about it, or a larger model, would help."
    )
