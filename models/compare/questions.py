"""The questions that plans are compared on: a file of `models/seed/questions`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONVERSATION = Path(__file__).parents[1] / "seed" / "questions" / "conversation.jsonl"


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled question."""

    id: str
    question: str
    kind: str
    language: str
    """ISO 639-1 code."""
    target: tuple[str, ...] | None
    """Accepted forms of the answer; None where there is no single answer."""


def read_questions(path: Path = CONVERSATION, kinds: Sequence[str] = ()) -> list[Question]:
    """The questions of the file, in its order: those of these kinds, or all."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Question(
            id=row["id"],
            question=row["question"],
            kind=row["kind"],
            language=row["language"],
            target=tuple(row["target"]) if row.get("target") else None,
        )
        for row in rows
        if not kinds or row["kind"] in kinds
    ]


def limit_per_kind(questions: Iterable[Question], limit: int) -> list[Question]:
    """The first `limit` questions of each kind; all of them for 0."""
    seen: Counter[str] = Counter()
    taken = []
    for question in questions:
        seen[question.kind] += 1
        if not limit or seen[question.kind] <= limit:
            taken.append(question)
    return taken
