"""Parses a model's replies when it decomposes a trajectory; strict, so that form counts.

The requests are those of `models/curriculum/texts/decomposition.py`.
"""

from __future__ import annotations

import re

from models.curriculum.texts.decomposition import APPLICABLE, HINT, SUBQUESTIONS

MOST_SUBQUESTIONS = 8
_HINT = re.compile(
    rf"{re.escape(APPLICABLE)}\n(?P<general>.+)\n\s*{re.escape(HINT)}\n(?P<procedure>.+)", re.DOTALL
)


class InvalidDecompositionError(Exception):
    """A reply does not have the requested form; the message states the fault."""


def parse_subquestions(text: str) -> tuple[str, ...]:
    """Return the subquestions of a reply: a heading, then one a line, numbered, with a `?`.

    Raises:
        InvalidDecompositionError: The form is another, or it lists none, over eight, or duplicates.
    """
    heading, *lines = text.strip().split("\n")
    if heading.rstrip() != SUBQUESTIONS:
        raise InvalidDecompositionError(f"It does not begin with {SUBQUESTIONS!r}.")
    found: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        prefix = f"{len(found) + 1}. "
        if not line.startswith(prefix):
            raise InvalidDecompositionError(f"No line {prefix.strip()!r} but {line[:60]!r}.")
        question = line.removeprefix(prefix).strip()
        if len(question) < 2 or not question.endswith("?"):
            raise InvalidDecompositionError(f"No question: {line[:60]!r}.")
        found.append(question)
    if not 1 <= len(found) <= MOST_SUBQUESTIONS:
        raise InvalidDecompositionError(f"{len(found)} subquestions.")
    if len(set(found)) < len(found):
        raise InvalidDecompositionError("A subquestion is there twice.")
    return tuple(found)


def parse_hint(text: str) -> str:
    """Return the procedure below the heading of the hint in a reply.

    Raises:
        InvalidDecompositionError: A heading or its text is missing, or there are more headings.
    """
    match = _HINT.fullmatch(text.strip())
    if match is None:
        raise InvalidDecompositionError(f"Not {APPLICABLE!r} and {HINT!r}, each with a text.")
    general, procedure = match["general"].strip(), match["procedure"].strip()
    if not general or not procedure:
        raise InvalidDecompositionError("There is no text below a heading.")
    if re.search(r"^\s*#", f"{general}\n{procedure}", re.MULTILINE):
        raise InvalidDecompositionError("There are more than the two headings.")
    return procedure
