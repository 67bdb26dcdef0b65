"""Generates the branches of a turn in waves, only as many as the vote needs.

Each branch has at most one hint (arXiv 2604.01348).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rm_local.engine import (
    BranchEnded,
    BranchEvent,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    TokenChunk,
)
from rm_local.loop.answers import extract_answer, lowercase_and_collapse_blanks
from rm_local.loop.branch_stream import choose_branch_sampling, derive_seed, open_branch_stream
from rm_local.loop.calculations import replace_calculation_marks_by_results
from rm_local.loop.equal_answers import AnswerGroups
from rm_local.loop.events import BranchFinished, BranchStarted, Prefilled
from rm_local.loop.hint_placement import build_hint_text, puts_cue_and_hint_in_output
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.select import Key, is_vote_final, list_votes
from rm_local.loop.turn_context import TurnContext
from rm_local.loop.waves import (
    OPEN_TEXTS,
    compute_first_wave_size,
    compute_smallest_deciding_wave_size,
    is_vote_change_unlikely,
    list_branch_hints,
    would_repeat_text,
)
from rm_local.records import Branch, Hit


@dataclass(frozen=True, slots=True)
class FinishedBranches:
    """All generated branches of a turn, from which the answer is selected."""

    branches: tuple[Branch, ...]
    """The branches in the order in which they ended."""
    key: Key
    """Function that maps a result to a key; results with the same key are one answer."""
    skipped: int
    """Number of branches that the plan allows but that were not needed and not generated."""

    def estimate_skipped_tokens(self) -> int:
        """Estimate the tokens of the skipped branches: `skipped` times the mean of the others.

        Branches that were stopped early do not count for the mean.
        """
        lengths = [b.tokens for b in self.branches if b.stop in ("end", "length", "context")]
        return round(self.skipped * sum(lengths) / len(lengths)) if lengths else 0


async def generate_branches_in_waves(
    turn: TurnContext, timer: PrefillTimer, subproblem: str | None, hits: Sequence[Hit]
) -> FinishedBranches:
    """Generate the branches of a turn, wave by wave, emit their events, and return the branches.

    Branches that can no longer change the vote are ended early. Without a subproblem the branches
    read neither cue nor hints. With a grammar the whole text of a complete answer is its result.

    Raises:
        EngineError: The model failed.
        ContextOverflowError: A hint does not fit at all.
    """
    async with AnswerGroups() as answers:
        reasoning = _WaveScheduler(turn, timer, hits, answers)
        while wave := reasoning.decide_wave_size_or_queue_fallback():
            async with open_branch_stream(
                turn, reasoning.begin_wave_and_list_specs(wave, subproblem)
            ) as stream:
                async for event in stream:
                    await reasoning.apply_and_emit_event(event)
                    await turn.events.wait_if_many_unread()
                    if outvoted := reasoning.settle_vote_and_list_outvoted():
                        await turn.engine.cancel(outvoted, "outvoted")
        return reasoning.collect_finished_branches()


class _WaveScheduler:
    """Keeps the branches of a turn (running, finished, not begun) while they are generated.

    It decides how many to begin next and which to end early.
    """

    def __init__(
        self, turn: TurnContext, timer: PrefillTimer, hits: Sequence[Hit], answers: AnswerGroups
    ) -> None:
        self._turn = turn
        self._timer = timer
        self._answers = answers
        planned = self._list_branch_hints(hits, greedy=False)
        self._sampling = choose_branch_sampling(turn, several=len(planned) > 1)
        info = turn.engine.info
        self._calculates = turn.plan.calculator and info is not None and info.calculator
        self._planned = len(planned)
        self._left = self._list_branch_hints(hits, greedy=self._sampling.temperature <= 0)
        """Hints of the branches that have not begun, in order; None for a branch without a hint."""
        self._first = 0
        """Index of the first branch of the current wave."""
        self._running: dict[int, _RunningBranch] = {}
        self._finished: list[Branch] = []
        self._evaluated: EvaluatedTokenCounts | None = None
        self._prefilled = False
        self._settled = False
        self._hinted = None not in self._left
        """Whether every branch has a hint."""
        self._alone = False
        """Whether a last branch reads the question alone, since no other has any content."""

    def _list_branch_hints(self, hits: Sequence[Hit], *, greedy: bool) -> list[Hit | None]:
        """List the hint of each branch that the plan allows; None for a branch without a hint.

        In a vote by waves with hints in the user's message, the first of several branches has no
        hint: a hint distracts a small model easily, and the better text wins. `greedy`: one branch
        for each hint.
        """
        turn, samples = self._turn, self._turn.plan.samples
        alone = hits and samples > 1 and turn.plan.vote == "waves"
        if alone and not puts_cue_and_hint_in_output(turn.plan, turn.engine.info):
            return [None, *list_branch_hints(hits, samples - 1, greedy=greedy)]
        return list_branch_hints(hits, samples, greedy=greedy)

    def decide_wave_size_or_queue_fallback(self) -> int:
        """Return the number of branches to begin now; 0 if no more are needed.

        If, in a vote by waves, all branches had a hint, all have ended, and none has any usable
        output, a last branch without subproblem and hint is queued first; the number is then 1.
        """
        over = self._turn.control.is_stopped or (self._finished and self._turn.deadline.has_passed)
        if self._settled or over or any(b.stop in ("cancelled", "time") for b in self._finished):
            return 0
        if self._turn.plan.vote != "waves":
            return len(self._left)
        if not self._finished:
            return compute_first_wave_size(self._left)
        if not self._left and self._hinted and not any(map(_has_usable_output, self._finished)):
            self._hinted, self._alone, self._left = False, True, [None]
            return 1
        votes = list_votes(self._finished, self._answers.get_group_key_or_normal_form)
        said = len(
            {lowercase_and_collapse_blanks(branch.text) for branch in self._finished if branch.text}
        )
        if votes or not said or self._turn.overrides.grammar:
            return compute_smallest_deciding_wave_size(votes, self._left)
        return min(max(0, OPEN_TEXTS - said), len(self._left))

    def begin_wave_and_list_specs(self, wave: int, subproblem: str | None) -> list[BranchSpec]:
        """Move the next `wave` waiting branches to the running ones; return their specifications.

        Emits `BranchStarted` for each.
        """
        self._first = len(self._finished)
        overrides = self._turn.overrides
        specs: list[BranchSpec] = []
        for index, hint in enumerate(self._left[:wave], self._first):
            seed = derive_seed(overrides.seed, index + 1)
            whole = bool(overrides.grammar)
            self._running[index] = _RunningBranch(index, hint, seed, whole=whole)
            self._turn.events.emit(BranchStarted(index, hint, seed))
            prompt = build_hint_text(self._turn, None if self._alone else subproblem, hint)
            spec = BranchSpec(
                prompt.forced,
                seed,
                self._turn.plan.max_tokens,
                self._sampling,
                grammar=overrides.grammar,
                logprobs=0,
                note=prompt.note,
                calculator=self._calculates,
            )
            specs.append(spec)
        del self._left[:wave]
        return specs

    async def apply_and_emit_event(self, event: BranchEvent) -> None:
        """Apply an event of the engine to the branches, and emit it as an event of the turn.

        `Prefilled` is emitted before the first text. The engine's `EvaluatedTokenCounts` are only
        kept for it, not emitted.
        """
        emit = self._turn.events.emit
        match event:
            case TokenChunk():
                if self._evaluated and not self._prefilled:
                    self._prefilled = True
                    emit(Prefilled(self._timer.compute_stats_until_now(self._evaluated)))
                chunk = replace(event, branch=self._first + event.branch)
                self._running[chunk.branch].add_chunk(chunk)
                emit(chunk)
            case BranchEnded():
                branch = self._running.pop(self._first + event.branch).to_record_with_result(event)
                branch = self._drop_likely_repeats_and_add_votes(branch)
                self._finished.append(branch)
                emit(BranchFinished(branch))
                if branch.result is not None and self._turn.plan.vote != "none":
                    await self._answers.add_result(branch.result)
            case ContextUsage() | ContextOverflowReport():
                emit(event)
            case EvaluatedTokenCounts():
                self._evaluated = event

    def _drop_likely_repeats_and_add_votes(self, branch: Branch) -> Branch:
        """Drop the branches not begun that would most likely have the same text as `branch`.

        These have the same hint. Return the branch with their number added to its votes, `draws`.
        """
        if self._turn.plan.vote != "waves" or not would_repeat_text(
            branch, self._sampling.temperature
        ):
            return branch
        equal = sum(hint == branch.hint for hint in self._left)
        self._left = [hint for hint in self._left if hint != branch.hint]
        return replace(branch, draws=1 + equal)

    def settle_vote_and_list_outvoted(self) -> set[int]:
        """Settle the vote if it can no longer change, or most likely will not (in waves).

        Return the positions in the wave, counted from 0, of the running branches to end early: all
        of them once the vote is settled, otherwise none. After that no further wave begins.
        """
        plan, key = self._turn.plan, self._answers.get_group_key_or_normal_form
        if self._settled or plan.vote == "none":
            return set()
        if plan.vote == "waves" and is_vote_change_unlikely(list_votes(self._finished, key)):
            self._settled = True
        elif self._running or self._left:
            written = [branch.tokens for branch in self._running.values()]
            written += [0] * len(self._left)
            keep = 0 if plan.vote == "waves" else plan.keep_shortest
            self._settled = is_vote_final(self._finished, written, keep=keep, key=key)
        return {index - self._first for index in self._running} if self._settled else set()

    def collect_finished_branches(self) -> FinishedBranches:
        """Return the finished branches, and how many of the planned ones were skipped.

        None counts as skipped after a stop or at the time limit.
        """
        stopped = any(branch.stop in ("cancelled", "time") for branch in self._finished)
        skipped = 0 if stopped else max(0, self._planned - len(self._finished))
        return FinishedBranches(
            tuple(self._finished), self._answers.get_group_key_or_normal_form, skipped
        )


def _has_usable_output(branch: Branch) -> bool:
    """Return whether the branch has a result, or a text that does not repeat itself."""
    return branch.result is not None or (bool(branch.text) and branch.stop != "repeating")


@dataclass(slots=True)
class _RunningBranch:
    """The text and token count of a branch while it is generated."""

    index: int
    hint: Hit | None
    seed: int
    whole: bool = False
    """Whether the whole text is the result, since it follows a grammar."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0

    def add_chunk(self, chunk: TokenChunk) -> None:
        """Append the chunk's text to the thinking or the text, and set the token count."""
        if chunk.part == "thinking":
            self.thinking += chunk.text
        else:
            self.text += chunk.text
        self.tokens = chunk.tokens

    def to_record_with_result(self, ended: BranchEnded) -> Branch:
        """Create the record of the branch, with the result extracted from its text.

        An incomplete text has a result only if the result itself is complete.
        """
        text, done = self.text.strip(), ended.stop == "end"
        if ended.stop == "repeating":
            result = None  # a repeating branch has no vote
        elif self.whole:
            result = text if done and text else None
        else:
            said = text if done else self.text
            result = extract_answer(
                replace_calculation_marks_by_results(said) if ended.forced else said, cut=not done
            )
        return Branch(
            index=self.index,
            hint=self.hint,
            seed=self.seed,
            thinking=self.thinking.strip(),
            text=text,
            result=result,
            tokens=ended.tokens,
            seconds=ended.seconds,
            stop=ended.stop,
            confidence=ended.confidence,
            forced=ended.forced,
        )
