"""The record of a problem for training texts, for problems of any kind."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.records import Entry


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its worked solution, and entries that a store may have for it."""

    family: str
    """Name of the family; `invented` for a procedure that exists only in this problem, `unknown`
    for a real one that the model is not taught."""
    name: str
    """The quantity asked for: `kinetic energy`; problems of one name have one procedure."""
    question: str
    subproblem: str
    """The name of the procedure that the model learns to write: `How to compute the ...?`."""
    entries: tuple[Entry, ...]
    """Entries that a store may have for the problem; each is enough to solve it. None for an
    unknown family."""
    work: str
    """The worked steps, with calculations `<<2*3=6>>`; they state the answer. Empty for an
    unknown family."""
    answer: str
    known: bool
    """Whether the model has to solve it without a hint."""
