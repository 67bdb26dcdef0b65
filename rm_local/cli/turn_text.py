"""Describes steps of a turn as text lines, for running and for saved turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rm_local.text import one_line
from rm_local.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rm_local.loop import HitJudgement
    from rm_local.records import Answer, Branch

STOPS = {
    "end": "",
    "length": "its token budget is spent",
    "context": "the context is full",
    "repeating": "it repeats itself",
    "time": "out of time",
    "cancelled": "stopped",
    "outvoted": "not needed, the vote was decided",
}
BEGINNING = 60
"""Maximum number of characters of a branch's result or text in its line."""


def format_phase_line(phase: str, text: str, seconds: float | None = None) -> str:
    """Format a line from the name of a phase, a text and, unless None, the phase's duration."""
    took = "" if seconds is None else click.style(f"  {seconds:.2f} s", dim=True)
    return f"{click.style(f'{phase:<9}', bold=True)} {text}{took}"


def describe_judgements(judgements: Sequence[HitJudgement]) -> str:
    """Describe in words how many hits the model keeps, or that it did not judge any."""
    hits = format_count(len(judgements), "hit")
    if all(each.probability is None for each in judgements):
        return f"the model answered neither yes nor no for {hits}, so all are kept"
    return f"the model keeps {sum(each.kept for each in judgements)} of {hits}"


def describe_branch(branch: Branch) -> str:
    """Describe a branch in one line: hint, result or beginning of the text, tokens, speed, end."""
    hint = f"under entry {branch.hint.key}" if branch.hint else "under no hint"
    speed = f"{branch.tokens / branch.seconds:.0f} tokens/s" if branch.seconds > 0 else ""
    parts = [
        one_line(branch.result or branch.text, BEGINNING) or "no answer",
        f"{branch.tokens} tokens",
        f"{branch.forced} by the calculator" if branch.forced else "",
        speed,
        STOPS[branch.stop],
    ]
    facts = ", ".join(part for part in parts if part)
    return f"branch {branch.index + 1} {hint}: {facts}"


def group_branches_by_text_and_end(branches: Sequence[Branch]) -> list[list[Branch]]:
    """Group the branches that wrote the same text and ended alike, in the order of the first ones.

    The thinking before the text may differ; without any text it has to be the same.
    """
    groups: dict[object, list[Branch]] = {}
    for branch in branches:
        text = branch.text.strip()
        key = (text, text or branch.thinking.strip(), branch.result, branch.stop)
        groups.setdefault(key, []).append(branch)
    return [*groups.values()]


def describe_branch_group(branches: Sequence[Branch]) -> str:
    """Describe equal branches in one line, as in `2 x branches 1, 4 under entries 3, 5: 72`."""
    first = branches[0]
    if len(branches) == 1:
        return describe_branch(first)
    ids = dict.fromkeys(branch.hint.key for branch in branches if branch.hint)
    hints = f"under {'entry' if len(ids) == 1 else 'entries'} {', '.join(map(str, ids))}"
    bare = sum(branch.hint is None for branch in branches)
    if bare:
        hints = f"{hints} and no hint" if ids else "under no hint"
    parts = [
        one_line(first.result or first.text, BEGINNING) or "no answer",
        f"{sum(branch.tokens for branch in branches)} tokens together",
        STOPS[first.stop],
    ]
    numbers = ", ".join(str(branch.index + 1) for branch in branches)
    facts = ", ".join(part for part in parts if part)
    return f"{len(branches)} x branches {numbers} {hints}: {facts}"


def describe_vote(answer: Answer) -> str:
    """Describe in one line how many branches agree, under which hints, and the tokens spent."""
    branches = format_count(answer.branches, "branch", "branches")
    under = "entry" if len(answer.hints) == 1 else "entries"
    hints = f", under {under} {', '.join(map(str, answer.hint_keys))}" if answer.hints else ""
    spared = format_count(answer.saved_branches, "branch", "branches")
    saved = f", {spared} and about {answer.saved_tokens} tokens saved"
    return (
        f"{_describe_agreement(answer, branches)}{hints}, {answer.tokens} tokens"
        f"{saved if answer.saved_branches else ''}"
    )


def _describe_agreement(answer: Answer, branches: str) -> str:
    """Describe how many of the `branches` have the answer's result, or that it is prose."""
    if answer.result is None:
        return f"prose, branch {answer.branch + 1} of {branches}"
    if answer.branches == 1 and answer.saved_branches:
        return "1 branch, others would hardly differ"
    return f"{answer.agreed} of {branches} agreed"
