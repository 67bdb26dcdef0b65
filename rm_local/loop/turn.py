"""The state of one turn, as it follows from its events; for display and for saved sessions.

`apply_event` computes the next state. It is pure: its caller gives it the time, in seconds of any
clock that only moves forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rm_local.engine import ContextOverflowReport, ContextUsage, TokenChunk
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
    GateDecided,
    HintCutOrLeftOut,
    HitJudgement,
    HitsJudged,
    ModelLoading,
    ModelUnloaded,
    Notice,
    Prefilled,
    Prefilling,
    Retrieved,
)
from rm_local.records import Answer, Branch, Hit, PrefillStats, StopReason
from rm_local.units import format_count

Span = tuple[int, int]
"""Start and end, exclusive, of a part of a text, in characters."""
Stage = Literal["formulating", "retrieving", "reasoning", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class TurnBranch:
    """State of one branch, running or ended, after the events so far."""

    index: int
    hint: Hit | None
    seed: int = 0
    began: float = 0.0
    """Time of the branch's first event, by the clock of `apply_event`."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0
    seconds: float = 0.0
    stop: StopReason | None = None
    """Reason why the branch ended; None while it runs."""
    result: str | None = None
    confidence: float | None = None
    draws: int = 1
    forced: int = 0
    """Number of tokens that the calculator inserted; 0 until the branch has ended."""
    thinking_forced: tuple[Span, ...] = ()
    """Parts of `thinking` that the calculator inserted."""
    text_forced: tuple[Span, ...] = ()
    """Parts of `text` that the calculator inserted."""

    @property
    def tokens_per_second(self) -> float:
        """Mean speed of the branch so far; 0 until its time is known."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0

    def to_record(self) -> Branch:
        """Convert to the record of an ended branch; a running one counts as cancelled."""
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
    """State of a turn, running or ended, after the events so far."""

    question: str
    plan: str = ""
    number: int = 0
    """Number of the turn in its session, from 1; 0 if unknown or without a session."""
    after: int = 0
    """Number of the turn whose conversation this turn continues; 0 = a new conversation."""
    stage: Stage = "formulating"
    began: float = 0.0
    """Time at which the current stage began, by the clock of `apply_event`."""
    prefilling: Prefilling | None = None
    """Progress of the evaluation of the prompt; None before and after it."""
    gated: GateDecided | None = None
    """The gate's decision whether the question gets hits; None without a gate."""
    subproblem: str = ""
    author: Author = "model"
    """Who wrote the subproblem."""
    formulated: float | None = None
    """Seconds that the formulation took; None until the subproblem is complete."""
    hits: tuple[Hit, ...] = ()
    """The pinned and found hits; after a judgement by the model, only the kept ones."""
    judgements: tuple[HitJudgement, ...] = ()
    """The model's verdicts on the hits; empty if the plan has no judge."""
    retrieved: float | None = None
    """Seconds that the search took; None until it is done."""
    cuts: tuple[str, ...] = ()
    """A sentence for each hint that was shortened or left out."""
    branches: tuple[TurnBranch, ...] = ()
    """The branches in the order of their indices."""
    reading: PrefillStats | None = None
    """Statistics of the prefill; None until a branch writes."""
    reasoned: float | None = None
    """Seconds of the slowest branch; None until all branches have ended."""
    answer: Answer | None = None
    context_used: int = 0
    """Number of tokens in the context."""
    message: str = ""
    """The error message; empty without an error."""
    remedy: str = ""

    @property
    def has_complete_subproblem(self) -> bool:
        """Whether the subproblem is completely written."""
        return self.formulated is not None or bool(self.subproblem and self.branches)

    @property
    def hits_summary(self) -> str:
        """The store's contribution in words, as in "3 hits"; empty while unknown, or if unused."""
        if self.gated is not None and not self.gated.open:
            return "nothing fits" if self.gated.reason == "nothing_fits" else "not asked"
        if self.retrieved is None:
            return ""
        number = len(self.hits)
        if self.judgements and not number:
            found = len(self.judgements)
            return "the one hit not kept" if found == 1 else f"none of {found} hits kept"
        return format_count(number, "hit") if number else "nothing fits"

    @property
    def is_in_progress(self) -> bool:
        """Whether the turn has neither an answer nor an error yet."""
        return self.stage in ("formulating", "retrieving", "reasoning")

    @property
    def was_stopped(self) -> bool:
        """Whether the user stopped the turn, with an answer or without one."""
        return self.stage == "stopped" or any(b.stop == "cancelled" for b in self.branches)

    @property
    def tokens(self) -> int:
        """Number of tokens written by all branches."""
        return sum(branch.tokens for branch in self.branches)

    @property
    def ended_branch_count(self) -> int:
        """Number of branches that have ended."""
        return sum(branch.stop is not None for branch in self.branches)

    @property
    def answer_or_branch_texts(self) -> str:
        """The text of the answer; without an answer, the texts of all branches."""
        if self.answer is not None:
            return get_answer_text_or_result(self.answer)
        return "\n\n".join(b.text.strip() for b in self.branches if b.text.strip())

    @property
    def failure(self) -> str | None:
        """The error message and its remedy as one text; None without an error."""
        return f"{self.message} {self.remedy}".strip() or None


def get_answer_text_or_result(answer: Answer) -> str:
    """Return the text of an answer, or its short result if the text is empty."""
    return answer.text.strip() or (answer.result or "")


def create_initial_turn_state(
    question: str, at: float, *, plan: str = "", number: int = 0, after: int = 0
) -> Turn:
    """Create the state of a turn before its first event; `at` is the present time."""
    return Turn(question, plan, number, after, began=at)


def apply_event(turn: Turn, event: Event, at: float) -> Turn:
    """Return the state that follows when `event` occurs at the time `at`; `turn` is not changed."""
    match event:
        case Prefilling():
            return replace(turn, prefilling=event)
        case GateDecided():
            return replace(turn, gated=event, began=at)
        case Formulating(text=text):
            return replace(
                turn, stage="formulating", prefilling=None, subproblem=turn.subproblem + text
            )
        case Formulated():
            return _set_subproblem_and_stage(turn, event, at)
        case Retrieved(hits=hits, seconds=seconds):
            return replace(turn, stage="reasoning", began=at, hits=hits, retrieved=seconds)
        case BranchStarted():
            return _add_running_branch(turn, event, at)
        case Prefilled(reading=reading):
            return replace(turn, reading=reading)
        case TokenChunk():
            return _extend_branch(turn, event, at)
        case BranchFinished(branch=branch):
            return _finish_branch(turn, branch, at)
        case ContextUsage(used=used):
            return replace(turn, context_used=used)
        case Answered(answer=answer):
            return replace(
                turn, stage="answered", answer=answer, reasoned=_find_longest_branch_seconds(turn)
            )
        case Failed(message=message, remedy=remedy, exit_code=code):
            stage: Stage = "stopped" if code == CancelledByUserError.exit_code else "failed"
            return _end_without_answer(turn, stage, message, remedy)
        case HintCutOrLeftOut(message=message):
            return replace(turn, cuts=(*turn.cuts, message))
        case HitsJudged(judgements=judgements):
            left = {each.key for each in judgements if not each.kept}
            kept = tuple(hit for hit in turn.hits if hit.key not in left)
            return replace(turn, hits=kept, judgements=judgements)
        case ContextOverflowReport() | ModelLoading() | ModelUnloaded() | Notice():
            return turn


def mark_turn_interrupted_if_in_progress(turn: Turn, message: str) -> Turn:
    """Return a running turn as ended without an answer, with `message`; an ended one unchanged.

    It counts as stopped if it has branches, else as failed.
    """
    if not turn.is_in_progress:
        return turn
    return _end_without_answer(turn, "stopped" if turn.branches else "failed", message, "")


def _set_subproblem_and_stage(turn: Turn, event: Formulated, at: float) -> Turn:
    """Set the formulated subproblem, and begin the stage of retrieval."""
    return replace(
        turn,
        stage="retrieving",
        began=at,
        prefilling=None,
        subproblem=event.subproblem,
        author=event.author,
        formulated=event.seconds,
    )


def _add_running_branch(turn: Turn, event: BranchStarted, at: float) -> Turn:
    """Add a running branch; the first one begins the stage of reasoning."""
    began = turn.began if turn.branches else at
    branch = TurnBranch(event.branch, event.hint, event.seed, at)
    return _add_or_replace_branch(
        replace(turn, stage="reasoning", began=began, reasoned=None), branch
    )


def _extend_branch(turn: Turn, token: TokenChunk, at: float) -> Turn:
    """Append the text of a chunk to the thinking or the text of its branch."""
    branch = _find_or_create_branch(turn, token.branch, at)
    branch = replace(branch, tokens=token.tokens, seconds=max(0.0, at - branch.began))
    if token.part == "thinking":
        text = branch.thinking + token.text
        spans = _add_span_if_forced(branch.thinking_forced, token, len(text))
        return _add_or_replace_branch(turn, replace(branch, thinking=text, thinking_forced=spans))
    text = branch.text + token.text
    spans = _add_span_if_forced(branch.text_forced, token, len(text))
    return _add_or_replace_branch(turn, replace(branch, text=text, text_forced=spans))


def _add_span_if_forced(spans: tuple[Span, ...], token: TokenChunk, end: int) -> tuple[Span, ...]:
    """Append the span of a chunk that ends at `end`, if the calculator inserted the chunk."""
    return (*spans, (end - len(token.text), end)) if token.forced else spans


def _finish_branch(turn: Turn, record: Branch, at: float) -> Turn:
    """Replace a running branch by the state of its record."""
    before = _find_or_create_branch(turn, record.index, at)
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
        thinking_forced=_shift_spans_to_stripped_text(
            before.thinking, before.thinking_forced, record.thinking
        ),
        text_forced=_shift_spans_to_stripped_text(before.text, before.text_forced, record.text),
    )
    turn = _add_or_replace_branch(turn, branch)
    all_ended = turn.ended_branch_count == len(turn.branches)
    return replace(turn, reasoned=_find_longest_branch_seconds(turn)) if all_ended else turn


def _shift_spans_to_stripped_text(
    streamed: str, spans: tuple[Span, ...], kept: str
) -> tuple[Span, ...]:
    """Convert spans of a streamed text to spans of `kept`, the text without surrounding blanks.

    Empty if `kept` is another text.
    """
    if streamed.strip() != kept:
        return ()
    blanks = len(streamed) - len(streamed.lstrip())
    return tuple((start - blanks, min(end - blanks, len(kept))) for start, end in spans)


def _end_without_answer(turn: Turn, stage: Stage, message: str, remedy: str) -> Turn:
    """End the turn with a message; its running branches become cancelled."""
    branches = tuple(
        replace(branch, stop="cancelled") if branch.stop is None else branch
        for branch in turn.branches
    )
    return replace(
        turn,
        stage=stage,
        message=message,
        remedy=remedy,
        reasoned=_find_longest_branch_seconds(turn),
        branches=branches,
    )


def _find_or_create_branch(turn: Turn, index: int, at: float) -> TurnBranch:
    """Return the branch with this index, or a new one if its start was not seen."""
    known = (branch for branch in turn.branches if branch.index == index)
    return next(known, TurnBranch(index, None, began=at))


def _add_or_replace_branch(turn: Turn, branch: TurnBranch) -> Turn:
    """Return the turn with `branch` in place of the one with its index, or in addition."""
    others = [other for other in turn.branches if other.index != branch.index]
    ordered = sorted((*others, branch), key=lambda each: each.index)
    return replace(turn, branches=tuple(ordered))


def _find_longest_branch_seconds(turn: Turn) -> float | None:
    """Return the seconds of the slowest branch; None without branches."""
    return max((branch.seconds for branch in turn.branches), default=None)
