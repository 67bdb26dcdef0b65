"""Decides how many branches a turn generates: one wave after another, until its vote is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb, exp

from rm_local.records import Branch, Entry, Hit

MAX_FIRST_HINTS = 3
"""Maximum number of branches with a hint in the first wave."""
OPEN_TEXTS = 3
"""Number of different texts without a short result after which no more branches are generated:
further texts could not be compared in a vote either. Equal texts count once, since a model that
gives up repeats itself, and another branch may not give up."""
REPEAT_PROBABILITY = 0.9
"""Probability of a whole text from which another branch with the same hint is assumed to have the
same text. Lower values lose as many problems as they win (docs/measurements/experiments.md)."""
LEAD_PROBABILITY = 0.95
"""Probability that the leading answer is the most frequent one, from which the vote is decided."""
UNANIMOUS_VOTES = 3
"""Number of votes that decide the vote if all are equal and come from at least two hints."""

Vote = tuple[Hashable, Entry | None]
"""Key of an answer, and the entry that was its branch's hint; None without a hint."""


def list_branch_hints(hits: Sequence[Hit], samples: int, *, greedy: bool) -> list[Hit | None]:
    """List the hints of the branches that may be generated, in order; the hits alternate.

    Each of the k hits gets `samples // k` branches (arXiv 2604.01348), and at most `samples` hits
    are used. Without hits the hints are None. `greedy`: each different hint gets one branch, since
    further ones would write the same text.
    """
    used = hits[:samples]
    if greedy:
        distinct = {(hit.entry.subproblem, hit.entry.subroutine): hit for hit in used}
        return [*distinct.values()] or [None]
    return [hit for _ in range(samples // len(used)) for hit in used] if used else [None] * samples


def would_repeat_text(branch: Branch, temperature: float) -> bool:
    """Return whether another branch with the same hint would most likely write the same text.

    That is so if the probability of the text is at least REPEAT_PROBABILITY. It is known for
    temperature 1; at a lower temperature it is higher.
    """
    if branch.confidence is None or branch.stop != "end" or temperature > 1:
        return False
    return exp(branch.confidence * branch.tokens) >= REPEAT_PROBABILITY


def compute_first_wave_size(hints: Sequence[Hit | None]) -> int:
    """Compute the number of branches in the first wave; `hints` are those of all branches.

    One branch for each different hint, at most MAX_FIRST_HINTS, and one for None.
    """
    different = len({hit.entry for hit in hints if hit})
    return min(MAX_FIRST_HINTS, different) + (None in hints)


def compute_smallest_deciding_wave_size(votes: Sequence[Vote], left: Sequence[Hit | None]) -> int:
    """Compute the least number of branches that decides the vote if all of them join the leader.

    `left` are the hints of the branches not begun. If no number decides it, that of all of them.
    """
    leading = _count_votes(votes)
    leader = leading[0][0] if leading else None
    for size in range(1, len(left)):
        joined = [(leader, hit.entry if hit else None) for hit in left[:size]]
        if is_vote_change_unlikely([*votes, *joined]):
            return size
    return len(left)


def is_vote_change_unlikely(votes: Sequence[Vote]) -> bool:
    """Return whether further votes are unlikely to change the leading answer.

    That is so at 4-0, 6-1, 8-2 and 9-3 against the runner-up (Adaptive-Consistency, arXiv
    2305.11860), or if all of UNANIMOUS_VOTES or more votes agree, under different hints.
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
    """Compute the probability that the first of two answers is the more frequent one.

    `first` and `second` are their votes. It is P(p > 1/2) for p from Beta(first + 1, second + 1);
    this tail is that of a binomial distribution.
    """
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / (1 << tosses)


def _count_votes(votes: Sequence[Vote]) -> list[tuple[Hashable, int]]:
    """List the answers with their numbers of votes, most votes first."""
    return Counter(answer for answer, _ in votes).most_common()
