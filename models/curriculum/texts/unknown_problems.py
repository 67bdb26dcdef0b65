"""Real problems of kinds that the model does not know, and that no entry is written for.

The files are `models/curriculum/unknown/*.toml`; README.md explains their keys. A kind has neither
a procedure nor an answer, so the model can only say that it does not know how.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.curriculum.draws import draw_values
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording
from models.curriculum.texts.typing_manner import imitate_typing

FOLDER = Path(__file__).parents[1] / "unknown"
FAMILY = "unknown"
"""The family of each of these problems."""


@dataclass(frozen=True, slots=True)
class UnknownKind:
    """A kind of problem: what is asked for, and how people word it."""

    task: str
    """What `I do not know how to ...` ends with."""
    draw: tuple[str, ...]
    """Assignments `name = expression`, in order."""
    where: str
    """What must hold of the values; empty if anything does."""
    wordings: tuple[str, ...]
    exact: bool
    """Whether each letter of a question counts."""

    @property
    def subproblem(self) -> str:
        """The question that names the procedure."""
        return f"How to {self.task}?"


def draw_unknown_problem(rng: random.Random) -> Problem:
    """A problem as somebody types it; each kind is as likely as another."""
    kind = rng.choice(read_kinds())
    question = word_unknown(rng, kind, rng.choice(kind.wordings))
    return Problem(
        family=FAMILY,
        name=kind.task,
        question=imitate_typing(rng, question, kind.exact),
        subproblem=kind.subproblem,
        entries=(),
        work="",
        answer="",
        known=False,
    )


def word_unknown(rng: random.Random, kind: UnknownKind, wording: str) -> str:
    """One of the kind's wordings with values of its own."""
    return fill_wording(rng, wording, draw_values(rng, kind.draw, kind.where))


@cache
def read_kinds() -> tuple[UnknownKind, ...]:
    """The kinds of all files, in the order of the files."""
    return tuple(kind for path in sorted(FOLDER.glob("*.toml")) for kind in _read_file(path))


def _read_file(path: Path) -> list[UnknownKind]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        UnknownKind(
            task=row["task"],
            draw=tuple(row.get("draw", ())),
            where=row.get("where", ""),
            wordings=tuple(row["wordings"]),
            exact=bool(table.get("exact", False)),
        )
        for row in table["kind"]
    ]
