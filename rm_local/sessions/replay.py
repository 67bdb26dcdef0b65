"""A saved session, turn by turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rm_local.engine.branches import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    HintCut,
    Prefilled,
    Prefilling,
    Retrieved,
    from_json,
)
from rm_local.records import Branch, Hit, Trace
from rm_local.sessions.format import ASKED, decode, opened

CUT_SHORT = "The session ended in the middle of this turn."


def replay(path: Path) -> list[Trace]:
    """The turns of a session, oldest first.

    Of a turn that was cut short there is all that was written, its branches as `cancelled` ones;
    lines that cannot be read are passed over. Raises UsageError when the file is no session.
    """
    _, lines = opened(path)
    turns: list[Trace] = []
    for line in lines:
        fields = decode(line)
        if fields is None:
            continue
        try:
            if fields["event"] == ASKED:
                turns.append(_asked(fields, len(turns) + 1))
            elif turns:
                turns[-1] = after(turns[-1], from_json(fields))
        except (KeyError, TypeError, ValueError):
            continue
    return turns


def _asked(fields: dict[str, Any], place: int) -> Trace:
    """A turn that has just begun, the `place`-th of its file.

    Files of before there were conversations number no turns; each of theirs stood alone.
    """
    number, follows = fields.get("turn", place), fields.get("after", 0)
    if not (isinstance(number, int) and isinstance(follows, int) and 0 <= follows < number):
        number, follows = place, 0
    return Trace(
        fields["question"], fields["plan"], failure=CUT_SHORT, number=number, after=follows
    )


def after(trace: Trace, event: Event) -> Trace:
    """The trace once `event` has happened in its turn."""
    match event:
        case Formulating(text=text):
            return replace(trace, subproblem=(trace.subproblem or "") + text)
        case Formulated(subproblem=subproblem):
            return replace(trace, subproblem=subproblem)
        case Retrieved(hits=hits):
            return replace(trace, hits=hits)
        case HintCut(message=message):
            return replace(trace, cuts=(*trace.cuts, message))
        case BranchStarted(branch=index, hint=hint, seed=seed):
            return _with(trace, _begun(index, hint, seed))
        case Prefilled(reading=reading):
            return replace(trace, reading=reading)
        case TokenChunk():
            return _with(trace, _grown(trace, event))
        case BranchFinished(branch=branch):
            return _with(trace, branch)
        case Prefilling() | ContextUsage() | ContextAdjusted():
            return trace
        case Answered(answer=answer):
            return replace(trace, answer=answer, failure=None)
        case Failed(message=message, remedy=remedy):
            return replace(trace, failure=f"{message} {remedy}".strip())


def _begun(index: int, hint: Hit | None = None, seed: int = 0) -> Branch:
    """A branch that has written nothing."""
    return Branch(index, hint, seed, "", "", None, 0, 0.0, "cancelled")


def _grown(trace: Trace, token: TokenChunk) -> Branch:
    """The branch with what it has just written."""
    known = (branch for branch in trace.branches if branch.index == token.branch)
    branch = next(known, _begun(token.branch))
    if token.part == "thinking":
        return replace(branch, thinking=branch.thinking + token.text, tokens=token.tokens)
    return replace(branch, text=branch.text + token.text, tokens=token.tokens)


def _with(trace: Trace, branch: Branch) -> Trace:
    """The trace with this branch in its place, in the order of the indices."""
    others = [other for other in trace.branches if other.index != branch.index]
    ordered = sorted((*others, branch), key=lambda each: each.index)
    return replace(trace, branches=tuple(ordered))
