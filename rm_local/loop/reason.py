"""Generates the branches of a turn, one hint per branch (arXiv 2604.01348), in waves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rm_local.engine import (
    BranchEnded,
    BranchEvent,
    BranchSpec,
    ContextAdjusted,
    ContextUsage,
    EvaluatedTokens,
    TokenChunk,
)
from rm_local.loop.answers import extract_answer, normalize_text
from rm_local.loop.branch_stream import branch_stream, choose_branch_sampling, derive_seed
from rm_local.loop.calculations import drop_calculations
from rm_local.loop.equal_answers import EqualAnswers
from rm_local.loop.events import BranchFinished, BranchStarted, Prefilled
from rm_local.loop.hint_placement import place_hint, uses_cue
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.select import Key, is_vote_final, list_votes
from rm_local.loop.turn_context import TurnContext
from rm_local.loop.waves import (
    OPEN_TEXTS,
    is_certain,
    is_decided,
    list_branch_hints,
    size_first_wave,
    size_next_wave,
)
from rm_local.records import Branch, Hit


@dataclass(frozen=True, slots=True)
class Reasoned:
    """The ended branches of a turn."""

    branches: tuple[Branch, ...]
    """The branches in the order of their ends."""
    key: Key
    """Function that maps a result to a key; results with the same key are one answer."""
    saved: int
    """Number of branches of the plan that were not generated."""

    @property
    def saved_tokens(self) -> int:
        """Estimated tokens of the branches that were not generated, by the mean of the others."""
        lengths = [b.tokens for b in self.branches if b.stop in ("end", "length", "context")]
        return round(self.saved * sum(lengths) / len(lengths)) if lengths else 0


async def reason_under_hints(
    turn: TurnContext, timer: PrefillTimer, subproblem: str | None, hits: Sequence[Hit]
) -> Reasoned:
    """Generate the branches of a plan, wave by wave, and emit their events.

    Branches that can no longer change the vote are ended early. Without a subproblem the branches
    read no hints. With a grammar only a complete answer counts, and its whole text is the result. A
    branch ends when the context is full.

    Raises:
        EngineError: The model failed.
        ContextOverflowError: A hint does not fit at all.
    """
    async with EqualAnswers() as answers:
        reasoning = _Reasoning(turn, timer, hits, answers)
        while wave := reasoning.size_next_wave():
            async with branch_stream(turn, reasoning.start_branches(wave, subproblem)) as stream:
                async for event in stream:
                    await reasoning.handle_event(event)
                    await turn.events.drain()
                    if outvoted := reasoning.find_outvoted_positions():
                        await turn.engine.cancel(outvoted, "outvoted")
        return reasoning.collect_result()


class _Reasoning:
    """The branches of a turn while they are generated."""

    def __init__(
        self, turn: TurnContext, timer: PrefillTimer, hits: Sequence[Hit], answers: EqualAnswers
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
        """Hints of the branches that have not begun."""
        self._first = 0
        """Index of the wave's first branch."""
        self._running: dict[int, _RunningBranch] = {}
        self._finished: list[Branch] = []
        self._evaluated: EvaluatedTokens | None = None
        self._prefilled = False
        self._settled = False
        self._hinted = None not in self._left
        """Whether every branch has a hint."""
        self._alone = False
        """Whether the last branch reads the question alone."""

    def _list_branch_hints(self, hits: Sequence[Hit], *, greedy: bool) -> list[Hit | None]:
        """List the hint of each branch.

        If hints are in the user's message, one branch has no hint: a hint distracts a small model
        easily, and the better text wins.
        """
        turn, samples = self._turn, self._turn.plan.samples
        alone = hits and samples > 1 and turn.plan.vote == "waves"
        if alone and not uses_cue(turn.plan, turn.engine.info):
            return [None, *list_branch_hints(hits, samples - 1, greedy=greedy)]
        return list_branch_hints(hits, samples, greedy=greedy)

    def size_next_wave(self) -> int:
        """Compute the number of branches to begin now; 0 if no more are needed.

        If no branch with a hint has any content, a last branch without a hint follows.
        """
        over = self._turn.control.stopped or (self._finished and self._turn.deadline.passed)
        if self._settled or over or any(b.stop in ("cancelled", "time") for b in self._finished):
            return 0
        if self._turn.plan.vote != "waves":
            return len(self._left)
        if not self._finished:
            return size_first_wave(self._left)
        if not self._left and self._hinted and not any(map(_has_result_or_text, self._finished)):
            self._hinted, self._alone, self._left = False, True, [None]
            return 1
        votes = list_votes(self._finished, self._answers.find_key)
        said = len({normalize_text(branch.text) for branch in self._finished if branch.text})
        if votes or not said or self._turn.overrides.grammar:
            return size_next_wave(votes, self._left)
        return min(max(0, OPEN_TEXTS - said), len(self._left))

    def start_branches(self, wave: int, subproblem: str | None) -> list[BranchSpec]:
        """Emit the start of `wave` branches, and return their specifications for the engine."""
        self._first = len(self._finished)
        overrides = self._turn.overrides
        specs: list[BranchSpec] = []
        for index, hint in enumerate(self._left[:wave], self._first):
            seed = derive_seed(overrides.seed, index + 1)
            whole = bool(overrides.grammar)
            self._running[index] = _RunningBranch(index, hint, seed, whole=whole)
            self._turn.events.emit(BranchStarted(index, hint, seed))
            prompt = place_hint(self._turn, None if self._alone else subproblem, hint)
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

    async def handle_event(self, event: BranchEvent) -> None:
        """Record an event of this wave, and emit the resulting events."""
        emit = self._turn.events.emit
        match event:
            case TokenChunk():
                if self._evaluated and not self._prefilled:
                    self._prefilled = True
                    emit(Prefilled(self._timer.compute_stats(self._evaluated)))
                chunk = replace(event, branch=self._first + event.branch)
                self._running[chunk.branch].add_chunk(chunk)
                emit(chunk)
            case BranchEnded():
                branch = self._running.pop(self._first + event.branch).to_record(event)
                branch = self._merge_equal_draws(branch)
                self._finished.append(branch)
                emit(BranchFinished(branch))
                if branch.result is not None and self._turn.plan.vote != "none":
                    await self._answers.add_result(branch.result)
            case ContextUsage() | ContextAdjusted():
                emit(event)
            case EvaluatedTokens():
                self._evaluated = event

    def _merge_equal_draws(self, branch: Branch) -> Branch:
        """Drop the remaining branches with the same hint and most likely the same text.

        Return the branch with their number added to its votes (`draws`).
        """
        if self._turn.plan.vote != "waves" or not is_certain(branch, self._sampling.temperature):
            return branch
        equal = sum(hint == branch.hint for hint in self._left)
        self._left = [hint for hint in self._left if hint != branch.hint]
        return replace(branch, draws=1 + equal)

    def find_outvoted_positions(self) -> set[int]:
        """Find the positions in this wave of running branches that can no longer change the vote.

        Once the vote is decided these are all running branches.
        """
        plan, key = self._turn.plan, self._answers.find_key
        if self._settled or plan.vote == "none":
            return set()
        if plan.vote == "waves" and is_decided(list_votes(self._finished, key)):
            self._settled = True
        elif self._running or self._left:
            written = [branch.tokens for branch in self._running.values()]
            written += [0] * len(self._left)
            keep = 0 if plan.vote == "waves" else plan.keep_shortest
            self._settled = is_vote_final(self._finished, written, keep=keep, key=key)
        return {index - self._first for index in self._running} if self._settled else set()

    def collect_result(self) -> Reasoned:
        """Return the branches so far.

        Branches prevented by a stop or the time limit do not count as saved.
        """
        stopped = any(branch.stop in ("cancelled", "time") for branch in self._finished)
        saved = 0 if stopped else max(0, self._planned - len(self._finished))
        return Reasoned(tuple(self._finished), self._answers.find_key, saved)


def _has_result_or_text(branch: Branch) -> bool:
    """Whether the branch has a result or a text that can be shown."""
    return branch.result is not None or (bool(branch.text) and branch.stop != "repeating")


@dataclass(slots=True)
class _RunningBranch:
    """A branch during its generation."""

    index: int
    hint: Hit | None
    seed: int
    whole: bool = False
    """Whether the whole text is the result, as with a grammar."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0

    def add_chunk(self, chunk: TokenChunk) -> None:
        """Append the chunk's text."""
        if chunk.part == "thinking":
            self.thinking += chunk.text
        else:
            self.text += chunk.text
        self.tokens = chunk.tokens

    def to_record(self, ended: BranchEnded) -> Branch:
        """Create the record of the ended branch; a text cut off gives only a complete result."""
        text, done = self.text.strip(), ended.stop == "end"
        if ended.stop == "repeating":
            result = None  # a repeating branch has no vote
        elif self.whole:
            result = text if done and text else None
        else:
            said = text if done else self.text
            result = extract_answer(drop_calculations(said) if ended.forced else said, cut=not done)
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
