"""What one turn looks like so far: a frozen view, and the one function that moves it on.

No widget and no clock: `reduce(view, event, now)` takes the time, in seconds of any monotonic
clock, from its caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rm_local.engine.branches import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.loop.events import (
    Answered,
    Author,
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
)
from rm_local.records import Answer, Branch, Hit, PrefillStats, StopReason, Trace

Stage = Literal["formulating", "retrieving", "reasoning", "answered", "stopped", "failed"]
PhaseState = Literal["waiting", "running", "done", "skipped", "halted"]

STREAMED = (Prefilling, Formulating, TokenChunk, ContextUsage)
"""Events that come faster than they need be drawn."""
INTERRUPTED = 130
"""Exit code of a turn that the user stopped."""


@dataclass(frozen=True, slots=True)
class BranchView:
    """One branch as far as it has come."""

    index: int
    hint: Hit | None
    began: float = 0.0
    thinking: str = ""
    text: str = ""
    tokens: int = 0
    seconds: float = 0.0
    stop: StopReason | None = None
    """None while it runs."""
    result: str | None = None

    @property
    def rate(self) -> float:
        """Tokens a second, 0 before there is anything to divide by."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the three phases, as a line on screen."""

    state: PhaseState
    seconds: float | None


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn as far as it has come."""

    question: str
    stage: Stage = "formulating"
    began: float = 0.0
    """When the running phase began."""
    subproblem: str = ""
    author: Author = "model"
    """Who named the subproblem."""
    formulated: float | None = None
    """Seconds that naming the subproblem took; None until it stands."""
    hits: tuple[Hit, ...] = ()
    retrieved: float | None = None
    """Seconds that the search took; None until it is done."""
    branches: tuple[BranchView, ...] = ()
    reasoned: float | None = None
    """Seconds from the first branch's start to the last one's end; None until then."""
    answer: Answer | None = None
    used: int = 0
    """Tokens of the context that are taken."""
    message: str = ""
    """What went wrong, when something did."""
    remedy: str = ""
    prefilling: Prefilling | None = None
    """How far the prompt is read; None before and after."""
    reading: PrefillStats | None = None
    """What was read before the branches wrote; None until then."""
    number: int = 0
    """Of the turn in its session; 0 until it is known."""
    after: int = 0
    """Number of the turn that it follows; 0 = none."""

    @property
    def named(self) -> bool:
        """Whether its subproblem stands; that of a saved turn does if the turn went on from it."""
        return self.formulated is not None or bool(self.subproblem and self.branches)

    @property
    def running(self) -> bool:
        """Whether more events are to come."""
        return self.stage in ("formulating", "retrieving", "reasoning")

    @property
    def stopped(self) -> bool:
        """Whether the user stopped it, with an answer or without one."""
        return self.stage == "stopped" or any(b.stop == "cancelled" for b in self.branches)

    @property
    def tokens(self) -> int:
        """Tokens written by all branches."""
        return sum(branch.tokens for branch in self.branches)

    @property
    def answer_text(self) -> str:
        """What there is to copy: the answer's text, or what the branches had said when stopped."""
        if self.answer is not None:
            return self.answer.text.strip() or (self.answer.result or "")
        return "\n\n".join(b.text.strip() for b in self.branches if b.text.strip())


def begin(question: str, now: float, after: int = 0) -> TurnView:
    """A turn of which nothing is known but its question, and what it follows."""
    return TurnView(question=question, began=now, after=after)


def reduce(view: TurnView, event: Event, now: float) -> TurnView:
    """The view after `event`, which came at `now`."""
    match event:
        case Prefilling():
            return replace(view, prefilling=event)
        case Formulating(text=text):
            subproblem = view.subproblem + text
            return replace(view, stage="formulating", prefilling=None, subproblem=subproblem)
        case Formulated():
            return _formulated(view, event, now)
        case Retrieved(hits=hits, seconds=seconds):
            return replace(view, stage="reasoning", began=now, hits=hits, retrieved=seconds)
        case BranchStarted():
            return _started(view, event, now)
        case Prefilled(reading=reading):
            return replace(view, reading=reading)
        case TokenChunk(branch=index):
            return _swap(view, _written(_branch(view, index, now), event, now))
        case BranchFinished(branch=branch):
            return _finished(view, branch, now)
        case ContextUsage(used=used):
            return replace(view, used=used)
        case ContextAdjusted() | HintCut():
            return view
        case Answered(answer=answer):
            return replace(view, stage="answered", answer=answer, reasoned=_reasoned(view))
        case Failed():
            return _failed(view, event)


def place(view: TurnView) -> str:
    """Its number, and what it follows unless that is the turn before: `3 · after 1`."""
    if not view.number or view.after == view.number - 1:
        return str(view.number or "")
    return f"{view.number} · " + (f"after {view.after}" if view.after else "alone")


def phases(view: TurnView, now: float) -> tuple[Phase, Phase, Phase]:
    """Formulate, Retrieve and Reason, in this order; the running one's time goes on with `now`."""
    asleep = view.stage in ("reasoning", "answered")
    formulate = _phase(view, view.stage == "formulating", view.formulated, asleep, now)
    retrieve = _phase(view, view.stage == "retrieving", view.retrieved, asleep, now)
    reasoning = view.stage == "reasoning" and view.reasoned is None
    reason = _phase(view, reasoning, view.reasoned, False, now)
    return formulate, retrieve, reason


def rate(view: TurnView, now: float) -> float:
    """Tokens a second of all branches together."""
    seconds = view.reasoned if view.reasoned is not None else now - view.began
    return view.tokens / seconds if seconds > 0 else 0.0


def replayed(trace: Trace) -> TurnView:
    """A saved turn, as it stood at its end."""
    answered = trace.answer is not None
    branches = tuple(_ended(BranchView(b.index, b.hint), b) for b in trace.branches)
    halted = any(b.stop == "cancelled" for b in branches)
    return TurnView(
        question=trace.question,
        stage="answered" if answered else "stopped" if halted or not trace.failure else "failed",
        subproblem=trace.subproblem or "",
        hits=trace.hits,
        branches=branches,
        reasoned=max((b.seconds for b in branches), default=None),
        answer=trace.answer,
        message=trace.failure or "",
        reading=trace.reading,
        number=trace.number,
        after=trace.after,
    )


def _phase(view: TurnView, running: bool, taken: float | None, later: bool, now: float) -> Phase:
    """`later` tells that the turn has gone past this phase, with or without it."""
    if taken is not None:
        return Phase("done", taken)
    if running:
        return Phase("running", max(0.0, now - view.began))
    if later:
        return Phase("skipped", None)
    return Phase("waiting" if view.running else "halted", None)


def _formulated(view: TurnView, event: Formulated, now: float) -> TurnView:
    return replace(
        view,
        stage="retrieving",
        began=now,
        subproblem=event.subproblem,
        author=event.author,
        formulated=event.seconds,
    )


def _started(view: TurnView, event: BranchStarted, now: float) -> TurnView:
    began = view.began if view.branches else now
    branch = BranchView(event.branch, event.hint, began=now)
    return _swap(replace(view, stage="reasoning", began=began), branch)


def _branch(view: TurnView, index: int, now: float) -> BranchView:
    known = (branch for branch in view.branches if branch.index == index)
    return next(known, BranchView(index, None, began=now))


def _written(branch: BranchView, token: TokenChunk, now: float) -> BranchView:
    seconds = max(0.0, now - branch.began)
    if token.part == "thinking":
        thinking = branch.thinking + token.text
        return replace(branch, thinking=thinking, tokens=token.tokens, seconds=seconds)
    return replace(branch, text=branch.text + token.text, tokens=token.tokens, seconds=seconds)


def _finished(view: TurnView, branch: Branch, now: float) -> TurnView:
    view = _swap(view, _ended(_branch(view, branch.index, now), branch))
    done = all(b.stop is not None for b in view.branches)
    return replace(view, reasoned=_reasoned(view)) if done else view


def _ended(seen: BranchView, branch: Branch) -> BranchView:
    return replace(
        seen,
        thinking=branch.thinking,
        text=branch.text,
        result=branch.result,
        tokens=branch.tokens,
        seconds=branch.seconds,
        stop=branch.stop,
    )


def _reasoned(view: TurnView) -> float | None:
    return max((branch.seconds for branch in view.branches), default=None)


def _failed(view: TurnView, event: Failed) -> TurnView:
    return replace(
        view,
        stage="stopped" if event.exit_code == INTERRUPTED else "failed",
        message=event.message,
        remedy=event.remedy,
        reasoned=_reasoned(view),
        branches=tuple(
            replace(b, stop="cancelled") if b.stop is None else b for b in view.branches
        ),
    )


def _swap(view: TurnView, branch: BranchView) -> TurnView:
    """The view with this branch in its place, in the order of the indices."""
    others = [b for b in view.branches if b.index != branch.index]
    ordered = sorted((*others, branch), key=lambda b: b.index)
    return replace(view, branches=tuple(ordered))
