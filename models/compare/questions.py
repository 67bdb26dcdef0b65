"""Reads the labelled questions for comparisons of plans, from `models/seed/questions`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONVERSATION = Path(__file__).parents[1] / "seed" / "questions" / "conversation.jsonl"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its kind, its language and, if there is one, the accepted answer."""

    id: str
    question: str
    kind: str
    language: str
    """ISO 639-1 code of the question's language."""
    target: tuple[str, ...] | None
    """Accepted forms of the answer; None if there is no single right answer."""


def read_questions(path: Path = CONVERSATION, kinds: Sequence[str] = ()) -> list[Question]:
    """Return the questions of the file in its order; only those of `kinds`, unless it is empty."""
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
    """Return the first `limit` questions of each kind, or all of them for 0."""
    seen: Counter[str] = Counter()
    taken = []
    for question in questions:
        seen[question.kind] += 1
        if not limit or seen[question.kind] <= limit:
            taken.append(question)
    return taken
