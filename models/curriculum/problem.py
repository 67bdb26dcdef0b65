"""A problem as the training texts need it, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.records import Entry


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its procedure, worked."""

    family: str
    """Slug of the family; `invented` for a procedure that exists only in this sample, `unknown` for
    a real one that is not taught."""
    name: str
    """What is asked for, e.g. `kinetic energy`; two problems of one name have one procedure."""
    question: str
    subproblem: str
    """How the model is to name the procedure: `How to compute the kinetic energy?`."""
    entries: tuple[Entry, ...]
    """Pairs that a store could hold for it, each enough to solve it; empty for an unknown one."""
    work: str
    """The worked steps, with calculations `<<2*3=6>>`; they say the answer. Perhaps empty."""
    answer: str
    known: bool
    """Whether the model is to solve it without a hint."""
