"""One turn, from a question to its answer: formulate, retrieve, reason, select."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import perf_counter
from typing import Protocol

from rm_local.engine.protocol import Message
from rm_local.errors import ContextOverflow, RmLocalError, UsageError
from rm_local.loop.branch_stream import Model
from rm_local.loop.control import Control, Steering
from rm_local.loop.degenerate import no_answer, unreadable
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    ContextUsed,
    Event,
    Formulated,
    Retrieved,
    Token,
    failed,
)
from rm_local.loop.formulate import formulate
from rm_local.loop.hint_fitting import fit_hints
from rm_local.loop.plan import Plan
from rm_local.loop.prefill import Opening
from rm_local.loop.prefill_stats import Readings
from rm_local.loop.reason import reason
from rm_local.loop.select import choose
from rm_local.records import Answer, Branch, Hit

__all__ = ["Control", "Recall", "Steering", "solve"]


_RAN_OUT = ("end", "length", "context")
"""How a branch ends that had its say."""


class Recall(Protocol):
    """Where hits come from; `loop.retrieve.Retriever` over a store."""

    async def search(self, subproblem: str, k: int, gate: float, margin: float) -> tuple[Hit, ...]:
        """At most `k` hits, best first, none below the gate or further than `margin` behind."""

    async def random(self, k: int, seed: int) -> tuple[Hit, ...]:
        """`k` entries drawn at random, for the control plan."""


async def solve(
    question: str,
    plan: Plan,
    engine: Model,
    recall: Recall | None,
    *,
    steering: Steering = Steering(),  # noqa: B008 (frozen)
    control: Control | None = None,
    history: Sequence[Message] = (),
) -> AsyncGenerator[Event, None]:
    """The turn's events as they happen; the last is Answered or Failed.

    An RmLocalError of the engine, the store or the question becomes a Failed; the engine can take
    the next turn. After `control.stop()` every running branch ends, and what has come about by
    then is answered with; a turn without that fails with exit code 130.
    """
    turn = _Turn(plan, engine, recall, steering, control or Control())
    try:
        async with aclosing(turn.run(question.strip(), history)) as events:
            async for event in events:
                yield event
    except RmLocalError as error:
        yield failed(error)


class _Turn:
    """What a turn has come to so far."""

    def __init__(
        self,
        plan: Plan,
        engine: Model,
        recall: Recall | None,
        steering: Steering,
        control: Control,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._recall = recall
        self._steering = steering
        self._control = control
        self._readings = Readings(engine)
        self._began = perf_counter()
        self._named: Formulated | None = None
        self._hits: tuple[Hit, ...] = ()
        self._branches: list[Branch] = []

    async def run(self, question: str, history: Sequence[Message]) -> AsyncGenerator[Event, None]:
        """All events but a Failed, which is raised as an RmLocalError."""
        if not question:
            raise UsageError("The question is empty.", "Type one.")
        self._control.check()
        messages = (*history, Message("user", question))
        opening = Opening(self._engine, self._plan, self._control)
        async with aclosing(opening.events(messages)) as read:
            async for event in read:
                yield event
        self._readings.opened(opening.tokens)
        if info := self._engine.info:
            yield ContextUsed(opening.tokens, opening.tokens, info.context)
        self._control.check()
        if self._plan.retrieval != "none":
            async with aclosing(self._formulate(question)) as named:
                async for event in named:
                    yield event
        if self._plan.retrieval in ("random", "memory"):
            yield await self._retrieve()
        async with aclosing(self._reason()) as reasoned:
            async for event in reasoned:
                yield event
        yield Answered(self._answer())

    async def _formulate(self, question: str) -> AsyncGenerator[Event, None]:
        parts = formulate(question, self._plan, self._engine, self._steering, self._control)
        async with aclosing(parts) as events:
            async for event in events:
                if isinstance(event, Formulated):
                    self._named = event
                    self._readings.formulated(event)
                yield event

    async def _retrieve(self) -> Retrieved:
        """Pinned hits first, then what is found, without what the user dropped."""
        if self._recall is None:
            message = f"The plan {self._plan.name!r} needs a store."
            raise UsageError(message, "Name one with --store, or take the plan none or length.")
        began = perf_counter()
        pinned, left_out = self._steering.pinned, self._steering.dropped
        known = left_out | {hit.entry.id for hit in pinned}
        found = await self._control.race(self._find(self._recall, self._plan.hints + len(known)))
        fresh = [hit for hit in found if hit.entry.id not in known]
        self._hits = (*pinned, *fresh[: max(0, self._plan.hints - len(pinned))])
        return Retrieved(self._hits, perf_counter() - began)

    async def _find(self, recall: Recall, k: int) -> tuple[Hit, ...]:
        if self._plan.retrieval == "random":
            return await recall.random(k, self._steering.seed)
        return await recall.search(self._subproblem or "", k, self._plan.gate, self._plan.margin)

    async def _reason(self) -> AsyncGenerator[Event, None]:
        self._control.check()
        if self._hits:
            subproblem = self._subproblem or ""
            self._hits, told = await fit_hints(self._plan, self._engine, subproblem, self._hits)
            for each in told:
                yield each
            self._control.check()
        branches = reason(
            self._plan,
            self._engine,
            self._control,
            seed=self._steering.seed,
            grammar=self._steering.grammar,
            subproblem=self._subproblem,
            hits=self._hits,
        )
        async with aclosing(branches) as events:
            async for event in events:
                if isinstance(event, BranchFinished):
                    self._branches.append(event.branch)
                if isinstance(event, Token) and (begun := self._readings.begun()):
                    yield begun
                yield event

    @property
    def _subproblem(self) -> str | None:
        return self._named.subproblem if self._named else None

    def _answer(self) -> Answer:
        """What the branches come to; raises Stopped or RmLocalError when it is nothing."""
        branches = sorted(self._branches, key=lambda branch: branch.index)
        ran_out = () if self._steering.grammar else _RAN_OUT
        ended = [b for b in branches if b.result is not None or b.stop in ran_out]
        choice = choose(ended, keep=self._plan.keep, tau=self._plan.tau)
        if choice is None or (choice.branch.result is None and unreadable(choice.branch.text)):
            self._control.check()
            raise self._no_answer(branches)
        hints = [b.hint.entry.id for b in choice.agreed if b.hint]
        tokens = sum(b.tokens for b in branches) + (self._named.tokens if self._named else 0)
        return Answer(
            text=choice.branch.text,
            result=choice.branch.result,
            branch=choice.branch.index,
            agreed=len(choice.agreed),
            branches=len(branches),
            hints=tuple(dict.fromkeys(hints)),
            tokens=tokens,
            seconds=perf_counter() - self._began,
        )

    def _no_answer(self, branches: Sequence[Branch]) -> RmLocalError:
        """Why there is none: the budget, or the context, which the user can widen."""
        if not any(branch.stop == "context" for branch in branches):
            return no_answer(branches)
        info = self._engine.info
        size, trained = (info.context, info.trained_context) if info else (0, 0)
        return ContextOverflow(
            f"No branch came to an answer within the context of {size:,} tokens.",
            'Set a larger `context`, or let `overflow` be "enlarge".'
            if trained > size
            else "Ask a shorter question, or choose a model with a larger context.",
        )
