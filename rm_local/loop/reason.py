"""The model reasons on, one hint a branch (PAPER 1b, steps 5 and 6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from rm_local.engine.protocol import BranchSpec, Ended, Piece, Room, Usage
from rm_local.loop import prompts
from rm_local.loop.answers import final_answer
from rm_local.loop.branch_stream import Model, growing, sampling, seed_of
from rm_local.loop.control import Control
from rm_local.loop.events import (
    BranchFinished,
    BranchStarted,
    ContextUsed,
    RoomMade,
    Token,
    of_context,
)
from rm_local.loop.plan import Plan
from rm_local.loop.select import decided
from rm_local.records import Branch, Hit


@dataclass(slots=True)
class _Growing:
    """A branch on its way."""

    index: int
    hint: Hit | None
    seed: int
    whole: bool = False
    """Whether all that it says is the result, as under a grammar."""
    thinking: str = ""
    text: str = ""
    tokens: int = 0

    def add(self, piece: Piece) -> Token:
        """Take the piece."""
        if piece.part == "thinking":
            self.thinking += piece.text
        else:
            self.text += piece.text
        self.tokens = piece.tokens
        return Token(self.index, piece.part, piece.text, piece.tokens)

    def ended(self, ended: Ended) -> Branch:
        """The branch as it stands now; a text that breaks off gives only a complete result."""
        text, done = self.text.strip(), ended.stop == "end"
        if self.whole:
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


def hints_of(hits: Sequence[Hit], samples: int) -> list[Hit | None]:
    """The hint of each branch: `samples // k` branches for each of the k hits, in their order.

    No more hits are used than there are samples; without hits all branches go without a hint.
    """
    used = hits[:samples]
    return [hit for hit in used for _ in range(samples // len(used))] or [None] * samples


async def reason(
    plan: Plan,
    engine: Model,
    control: Control,
    *,
    seed: int,
    grammar: str = "",
    subproblem: str | None,
    hits: Sequence[Hit],
) -> AsyncGenerator[BranchStarted | Token | BranchFinished | ContextUsed | RoomMade, None]:
    """Every branch from its start to its end; those that cannot matter any more are ended.

    Without a subproblem nothing is put into the thinking. Under a grammar only a complete answer
    counts, and all of it is the result. A branch that fills the context ends
    there. Raises EngineError; ContextOverflow when even a question without a hint does not fit.
    """
    branches = [
        _Growing(index, hint, seed_of(seed, index + 1), whole=bool(grammar))
        for index, hint in enumerate(hints_of(hits, plan.samples))
    ]
    draw = sampling(plan, engine.info)
    specs = [
        BranchSpec(
            forced(subproblem, b.hint),
            b.seed,
            plan.max_tokens,
            draw,
            grammar=grammar,
            logprobs=0,
        )
        for b in branches
    ]
    for branch in branches:
        yield BranchStarted(branch.index, branch.hint, branch.seed)
    finished: list[Branch] = []
    running = {branch.index: branch for branch in branches}
    settled = False
    async with growing(engine, specs, control) as stream:
        async for event in stream:
            if isinstance(event, Usage | Room):
                yield of_context(event)
                continue
            if isinstance(event, Piece):
                yield branches[event.branch].add(event)
            else:
                finished.append(running.pop(event.branch).ended(event))
                yield BranchFinished(finished[-1])
            written = [branch.tokens for branch in running.values()]
            if written and not settled and decided(finished, written, keep=plan.keep):
                settled = True
                await engine.cancel(set(running), "outvoted")


def forced(subproblem: str | None, hint: Hit | None) -> str:
    """What stands in a branch's thinking before the model goes on."""
    if subproblem is None:
        return ""
    procedure = prompts.hint(hint.entry.subproblem, hint.entry.subroutine) if hint else None
    return prompts.reasoning(subproblem, procedure)
