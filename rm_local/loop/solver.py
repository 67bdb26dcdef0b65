"""Solves one question: runs the steps of a turn and yields their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

from rm_local.engine import ContextUsage, EvaluatedTokenCounts, Message
from rm_local.errors import ContextOverflowError, RmLocalError, UsageError
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.deadline import Deadline
from rm_local.loop.degenerate import is_unreadable, make_no_answer_error
from rm_local.loop.events import Answered, Event, Formulated, make_failed_event
from rm_local.loop.formulate import (
    formulate_in_open_turn,
    formulate_in_separate_chat,
    needs_separate_chat,
)
from rm_local.loop.hint_fitting import make_room_and_fit_hints
from rm_local.loop.interfaces import LanguageModel, Retriever
from rm_local.loop.judge_hits import judge_and_keep_helpful_hits
from rm_local.loop.plan import Plan
from rm_local.loop.prefill import PrefillTimer, open_and_prefill_turn
from rm_local.loop.reason import FinishedBranches, generate_branches_in_waves
from rm_local.loop.search_memory import (
    gate_and_choose_search_text,
    retrieve_and_prepend_pinned_hits,
)
from rm_local.loop.select import choose_answer
from rm_local.loop.turn_context import EventQueue, TurnContext
from rm_local.records import Answer, Branch, Hit
from rm_local.text import one_line

_RAN_OUT = ("end", "length", "context", "time")
"""Stop reasons of branches whose text can be the answer even if it has no extractable result."""


async def solve(
    question: str,
    plan: Plan,
    engine: LanguageModel,
    retriever: Retriever | None,
    *,
    overrides: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
    control: TurnControl | None = None,
    history: Sequence[Message] = (),
) -> AsyncGenerator[Event, None]:
    """Solve a question: yield the turn's events as they occur; the last is Answered or Failed.

    `history` is the conversation so far. An RmLocalError of the engine, the store or the question
    becomes a Failed; the engine can then take the next turn. `control.stop()` ends all running
    branches, and the turn answers with the generated text; without any text it fails with exit code
    130. The same happens after the plan's `max_seconds`, with exit code 1. The text of a repeating
    branch is shown only if no other branch has a text. Closing the iterator ends the turn and its
    branches.
    """
    events = EventQueue()
    control, deadline = control or TurnControl(), Deadline(plan.max_seconds)
    question = question.strip()
    context = TurnContext(plan, engine, overrides, control, events, deadline, question)
    steps = asyncio.create_task(
        _TurnRun(context, retriever).run_steps(question, history), name="turn"
    )
    steps.add_done_callback(lambda _: events.emit_end())
    try:
        while (event := await events.read_event()) is not None:
            yield event
        await steps
    finally:
        if not steps.done():
            steps.cancel()
            await asyncio.gather(steps, return_exceptions=True)


class _TurnRun:
    """Runs the steps of one turn, and keeps its subproblem and its start."""

    def __init__(self, turn: TurnContext, retriever: Retriever | None) -> None:
        self._turn = turn
        self._retriever = retriever
        self._began = perf_counter()
        self._formulated: Formulated | None = None

    async def run_steps(self, question: str, history: Sequence[Message]) -> None:
        """Run all steps and emit their events; an RmLocalError becomes a Failed, the last event."""
        try:
            answer = await self._solve_question(question, history)
        except RmLocalError as error:
            self._turn.events.emit(make_failed_event(error))
        else:
            self._turn.events.emit(Answered(answer))

    async def _solve_question(self, question: str, history: Sequence[Message]) -> Answer:
        """Run the steps from the gate to the selection; return the answer.

        Raises:
            RmLocalError: The question is empty, a step failed, or the turn was stopped.
        """
        turn = self._turn
        if not question:
            raise UsageError("The question is empty.", "Type one.")
        turn.control.raise_if_stopped()
        asked = await gate_and_choose_search_text(turn, question, history, self._retriever)
        if asked is None:
            turn = self._turn = replace(turn, plan=turn.plan.as_single_branch_without_memory())
        retrieve = partial(
            retrieve_and_prepend_pinned_hits, turn, asked or question, retriever=self._retriever
        )
        searches = turn.plan.retrieval in ("random", "memory")
        hits: tuple[Hit, ...] = ()
        separate = EvaluatedTokenCounts()
        if needs_separate_chat(turn.plan, turn.engine.info):
            self._formulated, separate = await formulate_in_separate_chat(turn, question)
            if searches:
                hits = await retrieve(self._formulated)
        opened = await open_and_prefill_turn(turn, (*history, Message("user", question)))
        timer = PrefillTimer(opened)
        timer.add_separate_chat_tokens(separate)
        if info := turn.engine.info:
            turn.events.emit(ContextUsage(opened.tokens, opened.tokens, info.context))
        turn.control.raise_if_stopped()
        if turn.plan.retrieval != "none" and self._formulated is None:
            self._formulated = await formulate_in_open_turn(turn, question, timer)
            if searches:
                hits = await retrieve(self._formulated)
        turn.control.raise_if_stopped()
        if searches and not hits and turn.plan.question_gate == "auto":
            turn = self._turn = replace(turn, plan=turn.plan.as_single_branch_without_memory())
        if hits:
            hits = await make_room_and_fit_hints(turn, self._subproblem or "", hits)
            turn.control.raise_if_stopped()
            hits = await judge_and_keep_helpful_hits(turn, self._subproblem or "", hits)
            if not hits and turn.plan.question_gate == "auto":
                turn = self._turn = replace(turn, plan=turn.plan.as_single_branch_without_memory())
        subproblem = None if turn.plan.retrieval == "none" else self._subproblem
        finished = await generate_branches_in_waves(turn, timer, subproblem, hits)
        return self._select_answer_or_raise(
            finished, await self._measure_nearness_if_needed(question, finished)
        )

    @property
    def _subproblem(self) -> str | None:
        """The formulated subproblem; None before the formulation, or without one."""
        return self._formulated.subproblem if self._formulated else None

    async def _measure_nearness_if_needed(
        self, question: str, finished: FinishedBranches
    ) -> Mapping[int, float]:
        """Map the index of each branch to the similarity of its text to the question.

        Empty if it is not needed (a branch has a result, or there is one text or no vote), and if
        it cannot be measured.
        """
        said = [branch for branch in finished.branches if branch.text.strip()]
        unvoted = self._turn.plan.vote != "none" and not any(branch.result for branch in said)
        if self._retriever is None or not unvoted or len(said) < 2:
            return {}
        texts = [branch.text for branch in said]
        try:
            near = await self._retriever.measure_nearness(one_line(question), texts)
        except RmLocalError:
            return {}
        return {branch.index: each for branch, each in zip(said, near, strict=True)}

    def _select_answer_or_raise(
        self, finished: FinishedBranches, nearness: Mapping[int, float]
    ) -> Answer:
        """Select the answer from the finished branches, and add the figures of the turn.

        Raises:
            CancelledByUserError: The user stopped the turn before any branch had an answer.
            RmLocalError: No branch reached an answer.
        """
        branches = sorted(finished.branches, key=lambda branch: branch.index)
        ran_out = () if self._turn.overrides.grammar else _RAN_OUT
        ended = [b for b in branches if b.result is not None or b.stop in ran_out]
        plan = self._turn.plan
        choose_among = partial(
            choose_answer,
            keep=plan.keep_shortest,
            tau=plan.min_shortness,
            vote=plan.vote,
            key=finished.key,
            nearness=nearness,
        )
        choice = choose_among(ended)
        if choice is None and not self._turn.overrides.grammar:
            choice = choose_among([b for b in branches if b.stop == "repeating"])
        if choice is None or (choice.branch.result is None and is_unreadable(choice.branch.text)):
            self._turn.control.raise_if_stopped()
            raise self._make_no_answer_error(branches)
        hints = tuple(dict.fromkeys(b.hint.key for b in choice.agreed if b.hint))
        tokens = sum(b.tokens for b in branches) + (
            self._formulated.tokens if self._formulated else 0
        )
        return Answer(
            text=choice.branch.text,
            result=choice.branch.result,
            branch=choice.branch.index,
            agreed=len(choice.agreed),
            branches=len(branches),
            hints=tuple(each.id for each in hints),
            tokens=tokens,
            seconds=perf_counter() - self._began,
            saved_branches=finished.skipped,
            saved_tokens=finished.estimate_skipped_tokens(),
            hint_stores=tuple(each.store for each in hints) if any(h.store for h in hints) else (),
        )

    def _make_no_answer_error(self, branches: Sequence[Branch]) -> RmLocalError:
        """Create the error of a turn whose branches gave no answer, by their stop reasons."""
        if any(branch.stop == "time" for branch in branches):
            return self._turn.deadline.make_timeout_error()
        if not any(branch.stop == "context" for branch in branches):
            return make_no_answer_error(branches)
        info = self._turn.engine.info
        size, trained = (info.context, info.trained_context) if info else (0, 0)
        return ContextOverflowError(
            f"No branch reached an answer within the context of {size:,} tokens.",
            'Set a larger `context`, or let `context_overflow` be "grow".'
            if trained > size
            else "Ask a shorter question, or choose a model with a larger context.",
        )
