"""Decides how many branches a turn generates: in waves, until its vote is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb, exp

from rm_local.records import Branch, Entry, Hit

MAX_FIRST_HINTS = 3
"""Maximum number of branches with a hint in the first wave; an open question gets no more."""
OPEN_TEXTS = 3
"""Number of different texts without a short result after which a question counts as open: further
texts could not be compared either. Equal texts count once: prose differs between branches, but a
model that gives up repeats itself, and another branch may not give up."""
REPEAT_PROBABILITY = 0.9
"""Probability of a whole text above which another branch is assumed to have the same text; with
lower values as many problems of the curriculum are lost as won
(docs/measurements/experiments.md)."""
LEAD_PROBABILITY = 0.95
"""Probability of the leading answer to be the most frequent one, at which the vote is decided."""
UNANIMOUS_VOTES = 3
"""Number of equal votes, under two hints or more and without another vote, that decide the vote."""

Vote = tuple[Hashable, Entry | None]
"""An answer, and the hint of its branch."""


def list_branch_hints(hits: Sequence[Hit], samples: int, *, greedy: bool) -> list[Hit | None]:
    """List the hint of each branch that may be generated, in order; the hints alternate.

    Each of the k hits gets `samples // k` branches (arXiv 2604.01348), and at most `samples` hits
    are used. `greedy`: branches with one hint would write the same text, so each hint gets one
    branch.
    """
    used = hits[:samples]
    if greedy:
        distinct = {(hit.entry.subproblem, hit.entry.subroutine): hit for hit in used}
        return [*distinct.values()] or [None]
    return [hit for _ in range(samples // len(used)) for hit in used] if used else [None] * samples


def is_certain(branch: Branch, temperature: float) -> bool:
    """Whether another branch with the same hint would most likely have the same text.

    The confidence is that at temperature 1; a lower temperature makes probable tokens more
    probable.
    """
    if branch.confidence is None or branch.stop != "end" or temperature > 1:
        return False
    return exp(branch.confidence * branch.tokens) >= REPEAT_PROBABILITY


def size_first_wave(draws: Sequence[Hit | None]) -> int:
    """Compute the number of branches in the first wave.

    One for each hint, at most MAX_FIRST_HINTS, and one without a hint if `draws` contains None.
    """
    hints = len({hit.entry for hit in draws if hit})
    return min(MAX_FIRST_HINTS, hints) + (None in draws)


def size_next_wave(votes: Sequence[Vote], left: Sequence[Hit | None]) -> int:
    """Compute the least number of further branches that decides the vote if all join the leader.

    If no number decides it, all remaining branches.
    """
    leading = _count_votes(votes)
    leader = leading[0][0] if leading else None
    for size in range(1, len(left)):
        joined = [(leader, hit.entry if hit else None) for hit in left[:size]]
        if is_decided([*votes, *joined]):
            return size
    return len(left)


def is_decided(votes: Sequence[Vote]) -> bool:
    """Whether further votes are unlikely to change the leader.

    That is at 4-0, 6-1, 8-2, 9-3 (Adaptive-Consistency, arXiv 2305.11860, against the runner-up),
    or when UNANIMOUS_VOTES branches agree under different hints and nobody dissents.
    """
    standings = _count_votes(votes)
    if not standings:
        return False
    leader, first = standings[0]
    second = standings[1][1] if len(standings) > 1 else 0
    hints = {entry for answer, entry in votes if answer == leader and entry is not None}
    if first >= UNANIMOUS_VOTES and not second and len(hints) > 1:
        return True
    return compute_lead_probability(first, second) >= LEAD_PROBABILITY


def compute_lead_probability(first: int, second: int) -> float:
    """Compute P(p > 1/2), where p, the share of the first answer, is Beta(first + 1, second + 1).

    A Beta distribution's tail at 1/2 is a binomial one.
    """
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / (1 << tosses)


def _count_votes(votes: Sequence[Vote]) -> list[tuple[Hashable, int]]:
    return Counter(answer for answer, _ in votes).most_common()
