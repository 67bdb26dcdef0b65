"""From branches to an answer: length filter, vote, and when the vote is settled.

The filter is PAPER 1b, step 7. The paper stops there and reports the mean correctness of what
is kept; here the kept branches vote, and branches that cannot change the outcome are not grown
to their end (as in short-m@k, arXiv 2505.17813). Length is counted in tokens. Answers without a
short result cannot be compared, so of these one is chosen by how it came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from rm_local.loop import waves
from rm_local.loop.answers import normalize_answer, normalize_text
from rm_local.loop.plan import VoteRule
from rm_local.records import Branch

Key = Callable[[str], str]
"""What results that count as one have in common: `normalize_answer`, or `EqualAnswers.find_key`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the branches come to."""

    branch: Branch
    """The branch whose text is shown: the shortest of those that were kept and agree; without
    results the one that ended by itself and is nearest to the question."""
    agreed: tuple[Branch, ...]
    """All branches that came to this, kept or not, in the order of their indices."""


def compute_shortness(branches: Sequence[Branch]) -> dict[int, float]:
    """By index: (longest - length) / (longest - shortest), in [0, 1]; 1 where all are equal."""
    lengths = [branch.tokens for branch in branches]
    longest, shortest = max(lengths, default=0), min(lengths, default=0)
    spread = longest - shortest
    return {b.index: (longest - b.tokens) / spread if spread else 1.0 for b in branches}


def select_voters(branches: Sequence[Branch], *, keep: int, tau: float) -> tuple[Branch, ...]:
    """The branches that vote, shortest first.

    Those without a result leave first: one that gives up is short, and would pass. Then the length
    filter goes over the rest. A branch that stands for several draws is there as often.
    """
    voters = [branch for branch in _repeat_draws(branches) if branch.result is not None]
    return filter_by_length(voters, keep=keep, tau=tau)


def filter_by_length(pool: Sequence[Branch], *, keep: int, tau: float) -> tuple[Branch, ...]:
    """The branches that both stages of the filter keep, shortest first.

    First the hints leave whose branches' mean shortness is not above `tau`, then all but the `keep`
    shortest branches (0 keeps all). Branches without a hint are in no hint's mean and pass the
    first stage, and if no branch would pass it, all do.
    """
    scores = compute_shortness(pool)
    by_hint = _group_branches(pool, _get_hint_entry)
    passed = [
        branch
        for hint, group in by_hint.items()
        if hint is None or fmean(scores[b.index] for b in group) > tau
        for branch in group
    ]
    ordered = sorted(passed or pool, key=_rank_length)
    return tuple(ordered[:keep] if keep else ordered)


def choose_answer(
    branches: Sequence[Branch],
    *,
    keep: int,
    tau: float,
    vote: VoteRule = "all",
    key: Key = normalize_answer,
    nearness: Mapping[int, float] | None = None,
) -> Choice | None:
    """What the branches come to; None when no branch said anything.

    The kept branches vote; in `waves` all do, as of few votes none can be spared. Of groups of one
    size the one wins whose hints are nearer (sum of similarities), then the shorter on average,
    then the one with the lowest index. Without any result, or with the vote `none`, there is no
    vote. `nearness` is, by index, how near the texts without a result are to the question.
    """
    if vote == "none":
        return _choose_shortest(branches, keep=keep, tau=tau)
    if vote == "waves":
        keep, tau = 0, -inf
    voters = select_voters(branches, keep=keep, tau=tau)
    if not voters:
        return _choose_without_vote(branches, nearness or {})
    groups = _group_branches(voters, lambda branch: key(branch.result or ""))
    winner = min(groups, key=lambda each: _rank_group(groups[each]))
    agreed = [b for b in branches if b.result is not None and key(b.result) == winner]
    return Choice(groups[winner][0], tuple(sorted(agreed, key=lambda b: b.index)))


def list_votes(branches: Sequence[Branch], key: Key = normalize_answer) -> list[waves.Vote]:
    """The result of each draw that has one, and its hint."""
    return [
        (key(branch.result), branch.hint.entry if branch.hint else None)
        for branch in _repeat_draws(branches)
        if branch.result is not None
    ]


def is_vote_final(
    finished: Sequence[Branch], running: Sequence[int], *, keep: int, key: Key = normalize_answer
) -> bool:
    """Whether the vote stands, whatever the running branches come to.

    `running` holds the tokens that each of them has written, 0 for one that is yet to begin. Of
    those that are already as long as the longest kept branch only as many can still be kept as
    there are places left; the others may push kept ones out. The leader has to stay ahead even if
    all that enter vote for the runner-up and all that leave had voted for the leader. The filter by
    hints is not foreseen: what grows longer can only raise the shortness of what has ended.
    """
    voters = sorted((b for b in _repeat_draws(finished) if b.result is not None), key=_rank_length)
    voters = voters[:keep] if keep else voters
    if not voters:
        return False
    places = keep - len(voters) if keep else len(running)
    shorter = sum(tokens < voters[-1].tokens for tokens in running)
    entering = shorter + min(len(running) - shorter, max(0, places - shorter))
    leaving = max(0, shorter - places)
    answers = Counter(key(branch.result or "") for branch in voters)
    votes = [count for _, count in answers.most_common(2)]
    leader, runner_up = votes[0], votes[1] if len(votes) > 1 else 0
    return not entering or leader - leaving > runner_up + entering


def _repeat_draws(branches: Sequence[Branch]) -> list[Branch]:
    """Each branch as often as it was drawn, or would have been without differing."""
    return [branch for branch in branches for _ in range(branch.draws)]


def _choose_without_vote(
    branches: Sequence[Branch], nearness: Mapping[int, float]
) -> Choice | None:
    """Of those that said something: one that ended by itself, then the text nearest to the
    question, then the most probable."""
    said = [branch for branch in branches if branch.text.strip()]
    if not said:
        return None
    best = min(said, key=lambda branch: _rank_open(branch, nearness.get(branch.index, 0.0)))
    same = [b for b in said if normalize_text(b.text) == normalize_text(best.text)]
    return Choice(best, tuple(sorted(same, key=lambda b: b.index)))


def _rank_open(branch: Branch, nearness: float) -> tuple[bool, float, float, int]:
    """Smaller is better. Probable texts are often empty phrases, and loops are probable, too."""
    probable = -inf if branch.confidence is None else branch.confidence
    return branch.stop != "end", -nearness, -probable, branch.index


def _choose_shortest(branches: Sequence[Branch], *, keep: int, tau: float) -> Choice | None:
    """The shortest that the filter keeps, of all that said something; it alone carries the answer.

    The paper's filter is over all samples, whatever they came to.
    """
    passed = filter_by_length(branches, keep=keep, tau=tau)
    said = [b for b in passed if b.text.strip()] or [b for b in branches if b.text.strip()]
    return Choice(said[0], (said[0],)) if said else None


def _rank_group(group: Sequence[Branch]) -> tuple[float, ...]:
    """Smaller is better: votes, similarities, mean length, index."""
    near = sum(b.hint.similarity for b in group if b.hint)
    return -len(group), -near, fmean(b.tokens for b in group), min(b.index for b in group)


def _group_branches(
    branches: Sequence[Branch], key: Callable[[Branch], Hashable]
) -> dict[Hashable, list[Branch]]:
    groups: dict[Hashable, list[Branch]] = {}
    for branch in branches:
        groups.setdefault(key(branch), []).append(branch)
    return groups


def _get_hint_entry(branch: Branch) -> Hashable:
    return branch.hint and branch.hint.entry


def _rank_length(branch: Branch) -> tuple[int, int]:
    return branch.tokens, branch.index
