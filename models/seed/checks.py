"""Checks for the entries of the seed store: faults and near-duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rm_local.records import Entry

FEWEST_WORDS, MOST_WORDS = 60, 200
"""Limits of the number of words in a handwritten subroutine; the paper's have 198 on average."""

NEAR = 0.97
"""Cosine of two subproblems above which they are reported as nearly the same."""

FIRST_PERSON = re.compile(r"\b(I|I'm|my|me|myself|we|our)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries with nearly the same subproblem, and the cosine of their vectors."""

    one: Entry
    other: Entry
    similarity: float


def find_entry_faults(entries: Sequence[Entry]) -> list[str]:
    """Return a message for each fault, with source and subproblem; empty if all entries pass."""
    return [
        f"{entry.source}: {entry.subproblem[:60]!r}: {fault}"
        for entry, seen in zip(entries, _mark_duplicates(entries), strict=True)
        for fault in _find_faults(entry, seen)
    ]


def find_near_duplicates(entries: Sequence[Entry], vectors: NDArray[np.float32]) -> list[Pair]:
    """Return pairs of entries with a cosine above `NEAR`.

    `vectors` is an array (n, d) of the entries' subproblems with rows of length 1.
    """
    cosines = np.triu(vectors @ vectors.T, k=1)
    return [
        Pair(entries[i], entries[j], float(cosines[i, j]))
        for i, j in np.argwhere(cosines > NEAR).tolist()
    ]


def _find_faults(entry: Entry, seen: bool) -> Iterator[str]:
    for field in ("subproblem", "subroutine", "domain", "source"):
        if not getattr(entry, field).strip():
            yield f"its {field} is empty"
    if seen:
        yield "another entry has the same subproblem or subroutine"
    if not FIRST_PERSON.search(entry.subroutine):
        yield "its subroutine is not in the first person"
    words = len(entry.subroutine.split())
    if entry.source.startswith("hand/") and not FEWEST_WORDS <= words <= MOST_WORDS:
        yield f"its subroutine has {words} words; {FEWEST_WORDS} to {MOST_WORDS} are allowed"


def _mark_duplicates(entries: Sequence[Entry]) -> Iterator[bool]:
    """Yield for each entry whether an earlier one has its subproblem or its subroutine."""
    known: set[str] = set()
    for entry in entries:
        texts = {_normalize_text(entry.subproblem), _normalize_text(entry.subroutine)}
        yield bool(texts & known)
        known |= texts


def _normalize_text(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
