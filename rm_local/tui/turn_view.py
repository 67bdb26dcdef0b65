"""Derives display values of a turn: timed phases, place in the session, token rate.

The functions take a `rm_local.loop.turn.Turn`, and use no widget and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rm_local.engine import ContextUsage, TokenChunk
from rm_local.loop import Formulating, ModelLoading, Prefilling, Turn

PhaseState = Literal["waiting", "running", "done", "skipped", "halted"]

STREAMED = (Prefilling, Formulating, TokenChunk, ContextUsage, ModelLoading)
"""Frequent events: the screen is not redrawn for each of them."""


@dataclass(frozen=True, slots=True)
class Phase:
    """State and duration of one phase of a turn: Formulate, Retrieve or Reason."""

    state: PhaseState
    seconds: float | None


def derive_phases(turn: Turn, now: float) -> tuple[Phase, Phase, Phase]:
    """Derive the phases Formulate, Retrieve and Reason; a running phase is timed until `now`."""
    begun_reasoning = turn.stage in ("reasoning", "answered")
    formulate = _derive_phase(
        turn, turn.stage == "formulating", turn.formulated, begun_reasoning, now
    )
    retrieve = _derive_phase(turn, turn.stage == "retrieving", turn.retrieved, begun_reasoning, now)
    reasoning = turn.stage == "reasoning" and turn.reasoned is None
    reason = _derive_phase(turn, reasoning, turn.reasoned, False, now)
    return formulate, retrieve, reason


def format_place(turn: Turn) -> str:
    """Format the turn's number as `3`, or as `3 · after 1` if it does not follow turn 2."""
    if not turn.number or turn.after == turn.number - 1:
        return str(turn.number or "")
    return f"{turn.number} · " + (f"after {turn.after}" if turn.after else "alone")


def compute_rate(turn: Turn, now: float) -> float:
    """Compute the tokens per second of all branches together."""
    seconds = turn.reasoned if turn.reasoned is not None else now - turn.began
    return turn.tokens / seconds if seconds > 0 else 0.0


def _derive_phase(turn: Turn, running: bool, taken: float | None, over: bool, now: float) -> Phase:
    """Derive the state of a phase; `over`: the turn is past this phase, or has skipped it."""
    if taken is not None:
        return Phase("done", taken)
    if running:
        return Phase("running", max(0.0, now - turn.began))
    if over:
        return Phase("skipped", None)
    return Phase("waiting" if turn.running else "halted", None)
