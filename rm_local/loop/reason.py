"""The model reasons on, one hint a branch (PAPER 1b, steps 5 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rm_local.engine import (
    BranchEnded,
    BranchEvent,
    BranchSpec,
    ContextAdjusted,
    ContextUsage,
    Evaluated,
    TokenChunk,
)
from rm_local.loop import prompts
from rm_local.loop.answers import final_answer
from rm_local.loop.branch_stream import branch_stream, sampling, seed_of
from rm_local.loop.events import BranchFinished, BranchStarted, Prefilled
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.select import decided
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Branch, Hit


async def reason(
    turn: TurnContext, timer: PrefillTimer, subproblem: str | None, hits: Sequence[Hit]
) -> list[Branch]:
    """Generate every branch to its end, in the order in which they end; emits their events.

    Branches that can no longer change the vote are ended early. Without a subproblem nothing is
    put into the thinking. Under a grammar only a complete answer counts, and all of it is the
    result. A branch that fills the context ends there. Raises EngineError; ContextOverflow when a
    hint does not fit at all.
    """
    reasoning = _Reasoning(turn, timer, hints_of(hits, turn.plan.samples))
    async with branch_stream(turn, reasoning.start(subproblem)) as stream:
        async for event in stream:
            reasoning.take(event)
            await turn.events.drain()
            if outvoted := reasoning.outvoted():
                await turn.engine.cancel(outvoted, "outvoted")
    return reasoning.finished


def hints_of(hits: Sequence[Hit], samples: int) -> list[Hit | None]:
    """The hint of each branch: `samples // k` branches for each of the k hits, in their order.

    No more hits are used than there are samples; without hits all branches go without a hint.
    """
    used = hits[:samples]
    return [hit for hit in used for _ in range(samples // len(used))] or [None] * samples


class _Reasoning:
    """The branches of a turn while they are generated."""

    def __init__(self, turn: TurnContext, timer: PrefillTimer, hints: Sequence[Hit | None]) -> None:
        self.finished: list[Branch] = []
        self._turn = turn
        self._timer = timer
        seed, whole = turn.overrides.seed, bool(turn.overrides.grammar)
        self._running = {
            index: _RunningBranch(index, hint, seed_of(seed, index + 1), whole=whole)
            for index, hint in enumerate(hints)
        }
        self._evaluated: Evaluated | None = None
        self._settled = False

    def start(self, subproblem: str | None) -> list[BranchSpec]:
        """Emit the beginning of each branch; what the engine is to generate."""
        draw = sampling(self._turn.plan, self._turn.engine.info)
        specs: list[BranchSpec] = []
        for branch in self._running.values():
            self._turn.events.emit(BranchStarted(branch.index, branch.hint, branch.seed))
            spec = BranchSpec(
                forced(subproblem, branch.hint),
                branch.seed,
                self._turn.plan.max_tokens,
                draw,
                grammar=self._turn.overrides.grammar,
                logprobs=0,
            )
            specs.append(spec)
        return specs

    def take(self, event: BranchEvent) -> None:
        """Note the event and emit what follows from it."""
        emit = self._turn.events.emit
        match event:
            case TokenChunk():
                if self._evaluated:
                    emit(Prefilled(self._timer.stats(self._evaluated)))
                    self._evaluated = None
                self._running[event.branch].add(event)
                emit(event)
            case BranchEnded():
                self.finished.append(self._running.pop(event.branch).end(event))
                emit(BranchFinished(self.finished[-1]))
            case ContextUsage() | ContextAdjusted():
                emit(event)
            case Evaluated():
                self._evaluated = event

    def outvoted(self) -> set[int]:
        """The branches that can no longer change the vote: all that run, once it is decided."""
        written = [branch.tokens for branch in self._running.values()]
        if self._settled or not written:
            return set()
        self._settled = decided(self.finished, written, keep=self._turn.plan.keep)
        return set(self._running) if self._settled else set()


@dataclass(slots=True)
class _RunningBranch:
    """A branch that is being generated."""

    index: int
    hint: Hit | None
    seed: int
    whole: bool = False
    """Whether all that it says is the result, as under a grammar."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0

    def add(self, chunk: TokenChunk) -> None:
        """Append the chunk's text."""
        if chunk.part == "thinking":
            self.thinking += chunk.text
        else:
            self.text += chunk.text
        self.tokens = chunk.tokens

    def end(self, ended: BranchEnded) -> Branch:
        """The branch as it stands now; a text that breaks off gives only a complete result."""
        text, done = self.text.strip(), ended.stop == "end"
        if ended.stop == "repeating":
            result = None  # it has no vote, whatever it repeats
        elif self.whole:
            result = text if done and text else None
        else:
            result = final_answer(text if done else self.text, cut=not done)
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
        )


def forced(subproblem: str | None, hint: Hit | None) -> str:
    """What is put into a branch's thinking before the model continues."""
    if subproblem is None:
        return ""
    procedure = prompts.hint_text(hint.entry.subproblem, hint.entry.subroutine) if hint else None
    return prompts.reasoning_cue(subproblem, procedure)
