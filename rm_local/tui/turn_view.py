"""How a turn is shown: its phases with their times, its place in the session, its pace.

Plain functions over `rm_local.loop.turn.Turn`: no widget and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rm_local.engine import ContextUsage, TokenChunk
from rm_local.loop import Formulating, ModelLoading, Prefilling, Turn

PhaseState = Literal["waiting", "running", "done", "skipped", "halted"]

STREAMED = (Prefilling, Formulating, TokenChunk, ContextUsage, ModelLoading)
"""Events that come faster than they need to be drawn."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the three phases, as a line on screen."""

    state: PhaseState
    seconds: float | None


def phases(turn: Turn, now: float) -> tuple[Phase, Phase, Phase]:
    """Formulate, Retrieve and Reason, in this order; the running one's time ends `now`."""
    begun_reasoning = turn.stage in ("reasoning", "answered")
    formulate = _phase(turn, turn.stage == "formulating", turn.formulated, begun_reasoning, now)
    retrieve = _phase(turn, turn.stage == "retrieving", turn.retrieved, begun_reasoning, now)
    reasoning = turn.stage == "reasoning" and turn.reasoned is None
    reason = _phase(turn, reasoning, turn.reasoned, False, now)
    return formulate, retrieve, reason


def place(turn: Turn) -> str:
    """Its number, and what it follows unless that is the turn before: `3 · after 1`."""
    if not turn.number or turn.after == turn.number - 1:
        return str(turn.number or "")
    return f"{turn.number} · " + (f"after {turn.after}" if turn.after else "alone")


def rate(turn: Turn, now: float) -> float:
    """Tokens per second of all branches together."""
    seconds = turn.reasoned if turn.reasoned is not None else now - turn.began
    return turn.tokens / seconds if seconds > 0 else 0.0


def _phase(turn: Turn, running: bool, taken: float | None, over: bool, now: float) -> Phase:
    """`over`: the turn has gone past this phase, with or without it."""
    if taken is not None:
        return Phase("done", taken)
    if running:
        return Phase("running", max(0.0, now - turn.began))
    if over:
        return Phase("skipped", None)
    return Phase("waiting" if turn.running else "halted", None)
