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
"""Classes of frequent events; the screen is redrawn at intervals instead of for each of these."""


@dataclass(frozen=True, slots=True)
class Phase:
    """State and duration of one phase of a turn; `seconds` is None if the phase did not run."""

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


def format_turn_number_and_unusual_parent(turn: Turn) -> str:
    """Format the turn's number: `3`, or `3 · after 1` or `3 · alone` if it does not follow turn 2.

    Empty for a turn without a number.
    """
    if not turn.number or turn.after == turn.number - 1:
        return str(turn.number or "")
    return f"{turn.number} · " + (f"after {turn.after}" if turn.after else "alone")


def compute_token_rate(turn: Turn, now: float) -> float:
    """Return the tokens per second of all branches together, from the start of reasoning."""
    seconds = turn.reasoned if turn.reasoned is not None else now - turn.began
    return turn.tokens / seconds if seconds > 0 else 0.0


def _derive_phase(turn: Turn, running: bool, taken: float | None, over: bool, now: float) -> Phase:
    """Derive state and duration of a phase.

    `taken` is the phase's duration in seconds once it is done; `over` means that the turn has
    reached a later phase.
    """
    if taken is not None:
        return Phase("done", taken)
    if running:
        return Phase("running", max(0.0, now - turn.began))
    if over:
        return Phase("skipped", None)
    return Phase("waiting" if turn.is_in_progress else "halted", None)
