"""From branches to an answer: length filter, vote, and when the vote is settled.

The filter is PAPER 1b, step 7. The paper stops there and reports the mean correctness of what
is kept; here the kept branches vote, and branches that cannot change the outcome are not grown
to their end (as in short-m@k, arXiv 2505.17813). Length is counted in tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rm_local.loop.answers import same_key, same_text
from rm_local.records import Branch


@dataclass(frozen=True, slots=True)
class Choice:
    """What the branches come to."""

    branch: Branch
    """The branch whose text is shown: the shortest of those that were kept and agree."""
    agreed: tuple[Branch, ...]
    """All branches that came to this, kept or not, in the order of their indices."""


def shortness(branches: Sequence[Branch]) -> dict[int, float]:
    """By index: (longest - length) / (longest - shortest), in [0, 1]; 1 where all are equal."""
    lengths = [branch.tokens for branch in branches]
    longest, shortest = max(lengths, default=0), min(lengths, default=0)
    spread = longest - shortest
    return {b.index: (longest - b.tokens) / spread if spread else 1.0 for b in branches}


def kept(branches: Sequence[Branch], *, keep: int, tau: float) -> tuple[Branch, ...]:
    """The branches that vote, shortest first.

    Those without a result leave first: one that gives up is short, and would pass. Then the hints
    go whose branches' mean shortness is not above `tau`, then all but the `keep` shortest
    branches (0 keeps all). Branches without a hint are in no hint's mean and pass the first stage,
    and if no branch would pass it, all do.
    """
    voters = [branch for branch in branches if branch.result is not None]
    scores = shortness(voters)
    by_hint = _grouped(voters, _hint)
    passed = [
        branch
        for hint, group in by_hint.items()
        if hint is None or fmean(scores[b.index] for b in group) > tau
        for branch in group
    ]
    ordered = sorted(passed or voters, key=_length)
    return tuple(ordered[:keep] if keep else ordered)


def choose(branches: Sequence[Branch], *, keep: int, tau: float) -> Choice | None:
    """The vote among the kept branches; None when no branch said anything.

    Of groups of one size the one wins whose hints are nearer (sum of similarities), then the
    shorter on average, then the one with the lowest index. Without any result the first branch
    that ended with a text is taken, or failing that the first with a text.
    """
    voters = kept(branches, keep=keep, tau=tau)
    if not voters:
        return _unvoted(branches)
    groups = _grouped(voters, _key)
    winner = min(groups, key=lambda key: _standing(groups[key]))
    agreed = [b for b in branches if b.result is not None and _key(b) == winner]
    return Choice(groups[winner][0], tuple(sorted(agreed, key=lambda b: b.index)))


def decided(finished: Sequence[Branch], running: Sequence[int], *, keep: int) -> bool:
    """Whether the vote stands, whatever the running branches come to.

    `running` holds the tokens that each of them has written. Of those that are already as long as
    the longest kept branch only as many can still be kept as there are places left; the others
    may push kept ones out. The leader has to stay ahead even if all that enter vote for the
    runner-up and all that leave had voted for the leader. The filter by hints is not foreseen:
    what grows longer can only raise the shortness of what has ended.
    """
    voters = sorted((b for b in finished if b.result is not None), key=_length)
    voters = voters[:keep] if keep else voters
    if not voters:
        return False
    places = keep - len(voters) if keep else len(running)
    shorter = sum(tokens < voters[-1].tokens for tokens in running)
    entering = shorter + min(len(running) - shorter, max(0, places - shorter))
    leaving = max(0, shorter - places)
    votes = [count for _, count in Counter(map(_key, voters)).most_common(2)]
    leader, runner_up = votes[0], votes[1] if len(votes) > 1 else 0
    return not entering or leader - leaving > runner_up + entering


def _unvoted(branches: Sequence[Branch]) -> Choice | None:
    """The first branch that has said something, and those that said the same."""
    said = [branch for branch in branches if branch.text.strip()]
    if not said:
        return None
    first = min(said, key=lambda b: (b.stop != "end", b.index))
    same = [b for b in said if same_text(b.text) == same_text(first.text)]
    return Choice(first, tuple(sorted(same, key=lambda b: b.index)))


def _standing(group: Sequence[Branch]) -> tuple[float, ...]:
    """Smaller is better: votes, similarities, mean length, index."""
    near = sum(b.hint.similarity for b in group if b.hint)
    return -len(group), -near, fmean(b.tokens for b in group), min(b.index for b in group)


def _grouped(
    branches: Sequence[Branch], key: Callable[[Branch], Hashable]
) -> dict[Hashable, list[Branch]]:
    groups: dict[Hashable, list[Branch]] = {}
    for branch in branches:
        groups.setdefault(key(branch), []).append(branch)
    return groups


def _hint(branch: Branch) -> Hashable:
    return branch.hint and branch.hint.entry


def _key(branch: Branch) -> str:
    return same_key(branch.result or "")


def _length(branch: Branch) -> tuple[int, int]:
    return branch.tokens, branch.index
