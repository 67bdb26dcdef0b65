"""Begins a turn, and measures its prefill: evaluated tokens and time until a branch writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from rm_local.engine import EvaluatedTokenCounts, Message, TurnOpened
from rm_local.errors import CancelledByUserError
from rm_local.loop.events import Prefilling
from rm_local.loop.turn_context import TurnContext
from rm_local.records import PrefillStats


async def open_and_prefill_turn(turn: TurnContext, messages: Sequence[Message]) -> TurnOpened:
    """Open the turn in the engine, which evaluates the messages; return their counts and times.

    Emits `Prefilling` and `ContextOverflowReport`.

    Raises:
        ContextOverflowError, EngineError: The messages do not fit, or the model failed.
        CancelledByUserError: The user stopped the turn.
        RmLocalError: The turn's time is over.
    """
    end_in_time = partial(turn.engine.cancel, reason="time")
    began = perf_counter()

    def report_progress(share: float) -> None:
        turn.events.emit(
            Prefilling(share, _estimate_seconds_left_or_zero(share, perf_counter() - began))
        )

    try:
        async with (
            turn.control.on_stop(turn.engine.cancel),
            turn.deadline.on_passed(end_in_time),
        ):
            return await turn.engine.open_turn(
                messages,
                thinking=turn.plan.thinking,
                effort=turn.plan.effort,
                on_overflow=turn.events.emit,
                on_progress=report_progress,
            )
    except CancelledByUserError:
        if turn.deadline.has_passed and not turn.control.is_stopped:
            raise turn.deadline.make_timeout_error() from None
        raise


def _estimate_seconds_left_or_zero(share: float, seconds: float) -> float:
    """Estimate the seconds to the end if the completed `share`, 0 to 1, took `seconds`.

    The estimate is 0 at a share of 0, when nothing is known yet.
    """
    return seconds * (1 - share) / share if share else 0.0


class PrefillTimer:
    """Counts the tokens, and measures the time, of a turn until the first text of a branch."""

    def __init__(self, opened: TurnOpened) -> None:
        """Begin to wait for the first text. `opened` has the counts of the evaluated prompt."""
        self._opened = opened
        self._prompt = opened.evaluated.prompt
        self._separate = 0
        self._waiting_since = perf_counter()

    def add_formulation_tokens(self, evaluated: EvaluatedTokenCounts) -> None:
        """Add tokens of the prompt that were evaluated during the formulation."""
        self._prompt += evaluated.prompt

    def add_separate_chat_tokens(self, evaluated: EvaluatedTokenCounts) -> None:
        """Add tokens evaluated in the separate chat that formulates the subproblem."""
        self._separate += evaluated.prompt

    def restart_first_text_clock(self) -> None:
        """Measure the time to the first text from now on: the subproblem is known."""
        self._waiting_since = perf_counter()

    def compute_stats_until_now(self, evaluated: EvaluatedTokenCounts) -> PrefillStats:
        """Return the statistics of the prefill; call it at the first text of a branch.

        `evaluated` counts the tokens evaluated for the branches.
        """
        return PrefillStats(
            prompt=self._opened.tokens,
            prompt_read=self._prompt,
            prompt_last=evaluated.prompt,
            hints_read=evaluated.forced,
            prompt_seconds=self._opened.evaluated.seconds,
            hints_seconds=evaluated.seconds,
            first_token_seconds=perf_counter() - self._waiting_since,
            apart_read=self._separate,
        )
