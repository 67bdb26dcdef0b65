"""How many branches a turn grows: in waves, until its vote is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb, exp

from rm_local.records import Branch, Entry, Hit

FIRST = 3
"""Branches of the first wave under hints, at most: those that an open question gets."""
OPEN = 3
"""Different texts without a short result after which a question counts as open: what more branches
said could not be compared either. Equal texts are one: prose differs from draw to draw, and a model
that gives up always says the same, where another branch may not give up."""
EQUAL = 0.9
"""Probability of a whole text from which another draw is taken to write the same text; below that
as many problems of the curriculum are lost as won (docs/measurements/experiments.md)."""
SURE = 0.95
"""Probability that the leading answer is the most frequent one, from which the vote is decided."""
UNANIMOUS = 3
"""Votes without dissent, under two hints or more, that decide as well."""

Vote = tuple[Hashable, Entry | None]
"""An answer, and the hint under which it was found."""


def list_draws(hits: Sequence[Hit], samples: int, *, greedy: bool) -> list[Hit | None]:
    """The hint of each branch that may be grown, in the order in which they are: hints in turn.

    Each of the k hits gets `samples // k` branches (PAPER 1b, step 6), and no more hits are used
    than there are samples. `greedy`: branches under one hint would write the same; one is enough.
    """
    used = hits[:samples]
    if greedy:
        distinct = {(hit.entry.subproblem, hit.entry.subroutine): hit for hit in used}
        return [*distinct.values()] or [None]
    return [hit for _ in range(samples // len(used)) for hit in used] if used else [None] * samples


def is_certain(branch: Branch, temperature: float) -> bool:
    """Whether another draw under the branch's hint would hardly write another text.

    Its confidence is that of the model at temperature 1; below that likely tokens are likelier.
    """
    if branch.confidence is None or branch.stop != "end" or temperature > 1:
        return False
    return exp(branch.confidence * branch.tokens) >= EQUAL


def first_wave(draws: Sequence[Hit | None]) -> int:
    """Branches of the first wave: one for each hint, at most FIRST, and one without if there is."""
    hints = len({hit.entry for hit in draws if hit})
    return min(FIRST, hints) + (None in draws)


def next_wave(votes: Sequence[Vote], left: Sequence[Hit | None]) -> int:
    """The fewest of the branches that are left that would decide the vote if all joined its leader.

    All of them, if even those would not.
    """
    leading = _standings(votes)
    leader = leading[0][0] if leading else None
    for size in range(1, len(left)):
        joined = [(leader, hit.entry if hit else None) for hit in left[:size]]
        if is_decided([*votes, *joined]):
            return size
    return len(left)


def is_decided(votes: Sequence[Vote]) -> bool:
    """Whether the leader is hardly beaten by more votes of the same kind.

    That is at 4-0, 6-1, 8-2, 9-3 (Adaptive-Consistency, arXiv 2305.11860, against the runner-up),
    or when UNANIMOUS branches agree, nobody dissents, and they reasoned under different hints.
    """
    standings = _standings(votes)
    if not standings:
        return False
    leader, first = standings[0]
    second = standings[1][1] if len(standings) > 1 else 0
    hints = {entry for answer, entry in votes if answer == leader and entry is not None}
    if first >= UNANIMOUS and not second and len(hints) > 1:
        return True
    return lead_probability(first, second) >= SURE


def lead_probability(first: int, second: int) -> float:
    """P(p > 1/2) for the first answer's share p of both, Beta(first + 1, second + 1).

    A Beta distribution's tail at 1/2 is a binomial one.
    """
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / (1 << tosses)


def _standings(votes: Sequence[Vote]) -> list[tuple[Hashable, int]]:
    return Counter(answer for answer, _ in votes).most_common()
