"""Training texts that decompose a worked solution into entries (docs/design/method.md, 3 and 4).

The first request asks for the subquestions, the second for the hint of one of them. The replies
have the paper's headings; the sentences are this project's own.
"""

from __future__ import annotations

import random

from models.curriculum.invented import draw_invented_problem
from models.curriculum.problem import Problem
from models.curriculum.texts.family_problems import (
    build_typed_problem,
    draw_known_problem,
    extract_task,
)
from models.curriculum.texts.training_text import TrainingText, build_training_text

SUBQUESTIONS = "### Subquestions"
APPLICABLE, HINT = "### Applicable Problems", "### Hint"
THOUGHT = "I name the steps in general words, without the numbers."


def format_subquestions_request(question: str, work: str, answer: str) -> str:
    """Format the request for the general subquestions of a worked solution."""
    return (
        "You are an expert tutor. Below are a question and its worked solution. List the general, "
        "self-contained subquestions that one has to answer to solve problems of this kind. Each "
        "is one logical step that other problems can use too. Leave out the numbers and the "
        f'setting of this question. Write "{SUBQUESTIONS}" and then one numbered question a '
        "line.\n\n"
        f"Question: {question}\n\nSolution: {work}\n\nAnswer: {answer}"
    )


def format_hint_request(question: str, work: str, answer: str, subquestion: str) -> str:
    """Format the request for the reusable procedure that answers one subquestion."""
    return (
        "You are an expert tutor. Below are a question, its worked solution and one subquestion. "
        "Write a hint that helps with the subquestion in any problem of this kind. First write "
        f'"{APPLICABLE}" and the general problem, then "{HINT}" and the procedure in the first '
        'person ("For problems like this, I should ..."), without the answer or any number of this '
        f"question.\n\nQuestion: {question}\n\nSolution: {work}\n\nAnswer: {answer}\n\n"
        f"Subquestion: {subquestion}"
    )


def draw_decomposition_text(rng: random.Random) -> TrainingText:
    """Draw a text of one of the two requests, on a problem of a known or an invented family."""
    problem = (
        draw_invented_problem(rng)
        if rng.random() < 0.6
        else build_typed_problem(rng, draw_known_problem(rng))
    )
    worked = (problem.question, problem.work, problem.answer)
    if rng.random() < 0.4:
        said = f"{SUBQUESTIONS}\n1. {problem.subproblem}"
        return build_training_text(format_subquestions_request(*worked), THOUGHT, said)
    request = format_hint_request(*worked, problem.subproblem)
    return build_training_text(request, THOUGHT, format_hint_reply(problem))


def format_hint_reply(problem: Problem) -> str:
    """Format the reply to the request for a hint, of the problem's first entry."""
    subroutine = problem.entries[0].subroutine
    if not subroutine.startswith("For"):
        subroutine = f"For problems like this, I should work as follows. {subroutine}"
    general = f"Problems that ask how to {extract_task(problem.subproblem)}."
    return f"{APPLICABLE}\n{general}\n\n{HINT}\n{subroutine}"
