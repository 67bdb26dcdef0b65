"""Selects the answer of a turn from its branches: length filter, vote, and its early end.

The filter is that of arXiv 2604.01348. The paper reports the mean correctness of the kept branches;
here they vote, and branches that cannot change the outcome are ended early (as in short-m@k,
arXiv 2505.17813). Length is counted in tokens. Answers without a short result cannot be compared:
one is chosen by the stop reason of its branch, its nearness to the question and its probability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from rm_local.loop import waves
from rm_local.loop.answers import lowercase_and_collapse_blanks, normalize_answer
from rm_local.loop.plan import VoteRule
from rm_local.records import Branch

Key = Callable[[str], str]
"""Function that maps a result to a key; results with the same key are one answer in the vote."""


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """The result of the selection: the branch to show, and those that agree with it."""

    branch: Branch
    """The branch whose text is shown: the shortest kept branch with the chosen result; without
    results, of the branches that ended by themselves, the nearest to the question."""
    agreed: tuple[Branch, ...]
    """All branches with the same answer, kept by the filter or not, by ascending index."""


def compute_shortness(branches: Sequence[Branch]) -> dict[int, float]:
    """Map the index of each branch to its shortness: (longest - length) / (longest - shortest).

    Lengths are in tokens. It is in [0, 1], and 1 if all lengths are equal.
    """
    lengths = [branch.tokens for branch in branches]
    longest, shortest = max(lengths, default=0), min(lengths, default=0)
    spread = longest - shortest
    return {b.index: (longest - b.tokens) / spread if spread else 1.0 for b in branches}


def select_voters(branches: Sequence[Branch], *, keep: int, tau: float) -> tuple[Branch, ...]:
    """Select the branches that vote, shortest first.

    Branches without a result are removed before the length filter: a branch that gives up is short
    and would pass it. A branch is repeated by its number of votes (`draws`).
    """
    voters = [branch for branch in _repeat_by_votes(branches) if branch.result is not None]
    return filter_by_hint_and_length(voters, keep=keep, tau=tau)


def filter_by_hint_and_length(
    pool: Sequence[Branch], *, keep: int, tau: float
) -> tuple[Branch, ...]:
    """Apply the two stages of the length filter; return the kept branches, shortest first.

    The first stage removes hints whose branches have a mean shortness of `tau` or less, the second
    all but the `keep` shortest branches (0 keeps all). Branches without a hint pass the first
    stage, and if no branch would pass it, all do.
    """
    scores = compute_shortness(pool)
    by_hint = _group_branches(pool, _get_hint_entry)
    passed = [
        branch
        for hint, group in by_hint.items()
        if hint is None or fmean(scores[b.index] for b in group) > tau
        for branch in group
    ]
    ordered = sorted(passed or pool, key=_make_length_sort_key)
    return tuple(ordered[:keep] if keep else ordered)


def choose_answer(
    branches: Sequence[Branch],
    *,
    keep: int,
    tau: float,
    vote: VoteRule = "all",
    key: Key = normalize_answer,
    nearness: Mapping[int, float] | None = None,
) -> AnswerChoice | None:
    """Choose the answer from the branches by a vote; None if all their texts are empty.

    The kept branches vote; in `waves` all do, since the votes are few. Between groups of equal size
    the nearer hints win (sum of similarities), then the smaller mean length, then the lowest index.
    There is no vote without any result or with the vote `none`. `nearness` maps the index of a
    branch without a result to the similarity of its text to the question.
    """
    if vote == "none":
        return _choose_shortest(branches, keep=keep, tau=tau)
    if vote == "waves":
        keep, tau = 0, -inf
    voters = select_voters(branches, keep=keep, tau=tau)
    if not voters:
        return _choose_without_vote(branches, nearness or {})
    groups = _group_branches(voters, lambda branch: key(branch.result or ""))
    winner = min(groups, key=lambda each: _make_group_sort_key(groups[each]))
    agreed = [b for b in branches if b.result is not None and key(b.result) == winner]
    return AnswerChoice(groups[winner][0], tuple(sorted(agreed, key=lambda b: b.index)))


def list_votes(branches: Sequence[Branch], key: Key = normalize_answer) -> list[waves.Vote]:
    """List the votes (key of the result, entry of the hint) of the branches that have a result.

    A branch is listed as often as it has votes (`draws`).
    """
    return [
        (key(branch.result), branch.hint.entry if branch.hint else None)
        for branch in _repeat_by_votes(branches)
        if branch.result is not None
    ]


def is_vote_final(
    finished: Sequence[Branch], running: Sequence[int], *, keep: int, key: Key = normalize_answer
) -> bool:
    """Return whether the running branches can no longer change the result of the vote.

    `running` lists the numbers of tokens written by the running branches, 0 before the first. A
    running branch as long as the longest kept branch can only fill a free place; a shorter one can
    displace a kept branch. The vote is final if the leader stays ahead even when all new branches
    vote for the runner-up and all displaced branches voted for the leader. The filter by hints is
    ignored: longer running branches can only raise the shortness of ended branches.
    """
    voters = sorted(
        (b for b in _repeat_by_votes(finished) if b.result is not None), key=_make_length_sort_key
    )
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


def _repeat_by_votes(branches: Sequence[Branch]) -> list[Branch]:
    """List each branch as often as it has votes (`draws`)."""
    return [branch for branch in branches for _ in range(branch.draws)]


def _choose_without_vote(
    branches: Sequence[Branch], nearness: Mapping[int, float]
) -> AnswerChoice | None:
    """Choose a text among branches without results; None if all texts are empty.

    A branch that ended by itself is preferred, then the nearest to the question by `nearness` (by
    index), then the most probable.
    """
    said = [branch for branch in branches if branch.text.strip()]
    if not said:
        return None
    best = min(
        said, key=lambda branch: _make_text_sort_key(branch, nearness.get(branch.index, 0.0))
    )
    same = [
        b
        for b in said
        if lowercase_and_collapse_blanks(b.text) == lowercase_and_collapse_blanks(best.text)
    ]
    return AnswerChoice(best, tuple(sorted(same, key=lambda b: b.index)))


def _make_text_sort_key(branch: Branch, nearness: float) -> tuple[bool, float, float, int]:
    """Return the sort key for choosing a text without a result; the smallest is chosen.

    Probability comes last, since it is high for set phrases and repetitions, too.
    """
    probable = -inf if branch.confidence is None else branch.confidence
    return branch.stop != "end", -nearness, -probable, branch.index


def _choose_shortest(branches: Sequence[Branch], *, keep: int, tau: float) -> AnswerChoice | None:
    """Choose the shortest branch with a text that the length filter keeps; None without a text.

    The paper applies its filter to all samples, with or without a result.
    """
    passed = filter_by_hint_and_length(branches, keep=keep, tau=tau)
    said = [b for b in passed if b.text.strip()] or [b for b in branches if b.text.strip()]
    return AnswerChoice(said[0], (said[0],)) if said else None


def _make_group_sort_key(group: Sequence[Branch]) -> tuple[float, ...]:
    """Return the sort key of a group of branches with one result; the smallest wins the vote.

    It orders by most votes, then by the highest sum of the hints' similarities, the lowest mean
    length and the lowest index.
    """
    near = sum(b.hint.similarity for b in group if b.hint)
    return -len(group), -near, fmean(b.tokens for b in group), min(b.index for b in group)


def _group_branches(
    branches: Sequence[Branch], key: Callable[[Branch], Hashable]
) -> dict[Hashable, list[Branch]]:
    """Group the branches by `key`; the order is that of the branches."""
    groups: dict[Hashable, list[Branch]] = {}
    for branch in branches:
        groups.setdefault(key(branch), []).append(branch)
    return groups


def _get_hint_entry(branch: Branch) -> Hashable:
    """Return the entry that is the branch's hint; None without a hint."""
    return branch.hint and branch.hint.entry


def _make_length_sort_key(branch: Branch) -> tuple[int, int]:
    """Return the key that sorts branches by their tokens, then by index."""
    return branch.tokens, branch.index
