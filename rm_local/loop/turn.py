"""The state of one turn, and a function that applies an event to it.

Pure: no clock and no widget. `apply_event(turn, event, at)` gets the time from its caller, in
seconds of any clock that only moves forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rm_local.engine import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.errors import CancelledByUserError
from rm_local.loop.events import (
    Answered,
    Author,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    Formulated,
    Formulating,
    Gated,
    HintCut,
    HitsJudged,
    Judgement,
    ModelLoading,
    ModelUnloaded,
    Notice,
    Prefilled,
    Prefilling,
    Retrieved,
)
from rm_local.records import Answer, Branch, Hit, PrefillStats, StopReason

Span = tuple[int, int]
"""Start and end of a part of a text, in characters; the end is exclusive."""
Stage = Literal["formulating", "retrieving", "reasoning", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class TurnBranch:
    """State of a branch after its last event so far."""

    index: int
    hint: Hit | None
    seed: int = 0
    began: float = 0.0
    """Time of the first event."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0
    seconds: float = 0.0
    stop: StopReason | None = None
    """Stop reason; None while the branch runs."""
    result: str | None = None
    confidence: float | None = None
    draws: int = 1
    forced: int = 0
    """Tokens that the calculator inserted; known when the branch has ended."""
    thinking_forced: tuple[Span, ...] = ()
    """Parts of `thinking` that the calculator inserted."""
    text_forced: tuple[Span, ...] = ()
    """Parts of `text` that the calculator inserted."""

    @property
    def rate(self) -> float:
        """Tokens per second; 0 at the start."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0

    def to_record(self) -> Branch:
        """Convert this branch to a record; a running branch counts as cancelled."""
        return Branch(
            index=self.index,
            hint=self.hint,
            seed=self.seed,
            thinking=self.thinking,
            text=self.text,
            result=self.result,
            tokens=self.tokens,
            seconds=self.seconds,
            stop=self.stop or "cancelled",
            confidence=self.confidence,
            draws=self.draws,
            forced=self.forced,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """State of a turn after its last event so far."""

    question: str
    plan: str = ""
    number: int = 0
    """Number of the turn in its session, from 1; 0 outside of a session, or while unknown."""
    after: int = 0
    """Number of the turn whose conversation this turn continues; 0 = a new conversation."""
    stage: Stage = "formulating"
    began: float = 0.0
    """Beginning of the current stage."""
    prefilling: Prefilling | None = None
    """Progress of the prefill; None before and after it."""
    gated: Gated | None = None
    """The gate's decision whether the question gets hits; None without a gate."""
    subproblem: str = ""
    author: Author = "model"
    """Author of the subproblem."""
    formulated: float | None = None
    """Seconds of the formulation; None until it is complete."""
    hits: tuple[Hit, ...] = ()
    """The hits found; after a judgement by the model, only the kept hits."""
    judgements: tuple[Judgement, ...] = ()
    """The model's verdicts on the hits found; empty without a judge."""
    retrieved: float | None = None
    """Seconds of the search; None until it is done."""
    cuts: tuple[str, ...] = ()
    """A sentence for each hint that was shortened or left out."""
    branches: tuple[TurnBranch, ...] = ()
    """The branches in the order of their indices."""
    reading: PrefillStats | None = None
    """Counts and times of the prefill; None until a branch writes."""
    reasoned: float | None = None
    """Seconds of the slowest branch; None until all branches have ended."""
    answer: Answer | None = None
    context_used: int = 0
    """Number of used tokens of the context."""
    message: str = ""
    """The error message; empty without an error."""
    remedy: str = ""

    @property
    def named(self) -> bool:
        """Whether the subproblem is complete."""
        return self.formulated is not None or bool(self.subproblem and self.branches)

    @property
    def memory_summary(self) -> str:
        """The effect of memory in a few words; empty while it is unknown, or without memory."""
        if self.gated is not None and not self.gated.open:
            return "nothing fits" if self.gated.reason == "nothing_fits" else "not asked"
        if self.retrieved is None:
            return ""
        number = len(self.hits)
        if self.judgements and not number:
            found = len(self.judgements)
            return "the one hit not kept" if found == 1 else f"none of {found} hits kept"
        return "nothing fits" if not number else "1 hit" if number == 1 else f"{number} hits"

    @property
    def running(self) -> bool:
        """Whether more events follow."""
        return self.stage in ("formulating", "retrieving", "reasoning")

    @property
    def stopped(self) -> bool:
        """Whether the user stopped the turn, with an answer or without one."""
        return self.stage == "stopped" or any(b.stop == "cancelled" for b in self.branches)

    @property
    def tokens(self) -> int:
        """Tokens written by all branches."""
        return sum(branch.tokens for branch in self.branches)

    @property
    def ended_branches(self) -> int:
        """Number of branches that have ended."""
        return sum(branch.stop is not None for branch in self.branches)

    @property
    def answer_text(self) -> str:
        """The text to copy: the answer, or without an answer the texts of the branches."""
        if self.answer is not None:
            return answer_text(self.answer)
        return "\n\n".join(b.text.strip() for b in self.branches if b.text.strip())

    @property
    def failure(self) -> str | None:
        """The error and its remedy in one text; None without an error."""
        return f"{self.message} {self.remedy}".strip() or None


def answer_text(answer: Answer) -> str:
    """Return the text of an answer, or its result if the text is empty."""
    return answer.text.strip() or (answer.result or "")


def begin_turn(
    question: str, at: float, *, plan: str = "", number: int = 0, after: int = 0
) -> Turn:
    """Create the state of a turn before its first event."""
    return Turn(question, plan, number, after, began=at)


def apply_event(turn: Turn, event: Event, at: float) -> Turn:
    """Return the turn after `event` at the time `at`."""
    match event:
        case Prefilling():
            return replace(turn, prefilling=event)
        case Gated():
            return replace(turn, gated=event, began=at)
        case Formulating(text=text):
            return replace(
                turn, stage="formulating", prefilling=None, subproblem=turn.subproblem + text
            )
        case Formulated():
            return _name_subproblem(turn, event, at)
        case Retrieved(hits=hits, seconds=seconds):
            return replace(turn, stage="reasoning", began=at, hits=hits, retrieved=seconds)
        case BranchStarted():
            return _start_branch(turn, event, at)
        case Prefilled(reading=reading):
            return replace(turn, reading=reading)
        case TokenChunk():
            return _extend_branch(turn, event, at)
        case BranchFinished(branch=branch):
            return _finish_branch(turn, branch, at)
        case ContextUsage(used=used):
            return replace(turn, context_used=used)
        case Answered(answer=answer):
            return replace(turn, stage="answered", answer=answer, reasoned=_find_longest_time(turn))
        case Failed(message=message, remedy=remedy, exit_code=code):
            stage: Stage = "stopped" if code == CancelledByUserError.exit_code else "failed"
            return _end_without_answer(turn, stage, message, remedy)
        case HintCut(message=message):
            return replace(turn, cuts=(*turn.cuts, message))
        case HitsJudged(judgements=judgements):
            left = {each.id for each in judgements if not each.kept}
            kept = tuple(hit for hit in turn.hits if hit.entry.id not in left)
            return replace(turn, hits=kept, judgements=judgements)
        case ContextAdjusted() | ModelLoading() | ModelUnloaded() | Notice():
            return turn


def interrupt_turn(turn: Turn, message: str) -> Turn:
    """End a running turn without further events; return an ended turn unchanged."""
    if not turn.running:
        return turn
    return _end_without_answer(turn, "stopped" if turn.branches else "failed", message, "")


def _name_subproblem(turn: Turn, event: Formulated, at: float) -> Turn:
    return replace(
        turn,
        stage="retrieving",
        began=at,
        prefilling=None,
        subproblem=event.subproblem,
        author=event.author,
        formulated=event.seconds,
    )


def _start_branch(turn: Turn, event: BranchStarted, at: float) -> Turn:
    began = turn.began if turn.branches else at
    branch = TurnBranch(event.branch, event.hint, event.seed, at)
    return _replace_branch(replace(turn, stage="reasoning", began=began, reasoned=None), branch)


def _extend_branch(turn: Turn, token: TokenChunk, at: float) -> Turn:
    branch = _find_branch(turn, token.branch, at)
    branch = replace(branch, tokens=token.tokens, seconds=max(0.0, at - branch.began))
    if token.part == "thinking":
        text = branch.thinking + token.text
        spans = _add_span(branch.thinking_forced, token, len(text))
        return _replace_branch(turn, replace(branch, thinking=text, thinking_forced=spans))
    text = branch.text + token.text
    spans = _add_span(branch.text_forced, token, len(text))
    return _replace_branch(turn, replace(branch, text=text, text_forced=spans))


def _add_span(spans: tuple[Span, ...], token: TokenChunk, end: int) -> tuple[Span, ...]:
    """Add the span of the chunk, up to `end`, if the calculator forced it."""
    return (*spans, (end - len(token.text), end)) if token.forced else spans


def _finish_branch(turn: Turn, record: Branch, at: float) -> Turn:
    before = _find_branch(turn, record.index, at)
    branch = TurnBranch(
        index=record.index,
        hint=record.hint,
        seed=record.seed,
        began=before.began,
        thinking=record.thinking,
        text=record.text,
        tokens=record.tokens,
        seconds=record.seconds,
        stop=record.stop,
        result=record.result,
        confidence=record.confidence,
        draws=record.draws,
        forced=record.forced,
        thinking_forced=_strip_spans(before.thinking, before.thinking_forced, record.thinking),
        text_forced=_strip_spans(before.text, before.text_forced, record.text),
    )
    turn = _replace_branch(turn, branch)
    all_ended = turn.ended_branches == len(turn.branches)
    return replace(turn, reasoned=_find_longest_time(turn)) if all_ended else turn


def _strip_spans(streamed: str, spans: tuple[Span, ...], kept: str) -> tuple[Span, ...]:
    """Shift spans of the streamed text to the kept text, stripped of surrounding whitespace."""
    if streamed.strip() != kept:
        return ()
    blanks = len(streamed) - len(streamed.lstrip())
    return tuple((start - blanks, min(end - blanks, len(kept))) for start, end in spans)


def _end_without_answer(turn: Turn, stage: Stage, message: str, remedy: str) -> Turn:
    """End the turn; its running branches become cancelled."""
    branches = tuple(
        replace(branch, stop="cancelled") if branch.stop is None else branch
        for branch in turn.branches
    )
    return replace(
        turn,
        stage=stage,
        message=message,
        remedy=remedy,
        reasoned=_find_longest_time(turn),
        branches=branches,
    )


def _find_branch(turn: Turn, index: int, at: float) -> TurnBranch:
    """Find the branch with this index; create it if its start is unknown."""
    known = (branch for branch in turn.branches if branch.index == index)
    return next(known, TurnBranch(index, None, began=at))


def _replace_branch(turn: Turn, branch: TurnBranch) -> Turn:
    """Replace or add the branch with this index."""
    others = [other for other in turn.branches if other.index != branch.index]
    ordered = sorted((*others, branch), key=lambda each: each.index)
    return replace(turn, branches=tuple(ordered))


def _find_longest_time(turn: Turn) -> float | None:
    return max((branch.seconds for branch in turn.branches), default=None)
