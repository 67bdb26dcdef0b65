"""Reads the turns of a saved session from the events in its file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rm_local.loop import (
    Turn,
    apply_event,
    create_initial_turn_state,
    event_from_json,
    mark_turn_interrupted_if_in_progress,
)
from rm_local.old_names import PLANS
from rm_local.sessions.format import ASKED, decode_line, read_session_header_and_lines

CUT_SHORT = "The session ended in the middle of this turn."


def read_session_turns(path: Path) -> list[Turn]:
    """Read the turns of a session file, oldest first; times are in seconds since 1970.

    A turn without an end contains the events that were written; its running branches count as
    cancelled. Unreadable lines are skipped.

    Raises:
        UsageError: The file is not a session.
    """
    _, lines = read_session_header_and_lines(path)
    turns: list[Turn] = []
    for line in lines:
        fields = decode_line(line)
        if fields is None:
            continue
        try:
            if fields["event"] == ASKED:
                turns.append(_create_turn_from_asked_line(fields, len(turns) + 1))
            elif turns:
                turns[-1] = apply_event(
                    turns[-1], event_from_json(fields), _parse_time_or_zero(fields)
                )
        except (KeyError, TypeError, ValueError):
            continue
    return [mark_turn_interrupted_if_in_progress(turn, CUT_SHORT) for turn in turns]


def _create_turn_from_asked_line(fields: dict[str, Any], place: int) -> Turn:
    """Create a turn from the fields of its `asked` line; it is the `place`-th turn of the file.

    A turn without a valid number gets the number `place` and continues no other turn.
    """
    number, after = fields.get("turn", place), fields.get("after", 0)
    if not (isinstance(number, int) and isinstance(after, int) and 0 <= after < number):
        number, after = place, 0
    question, plan = fields["question"], PLANS.get(fields["plan"], fields["plan"])
    return create_initial_turn_state(
        question, _parse_time_or_zero(fields), plan=plan, number=number, after=after
    )


def _parse_time_or_zero(fields: dict[str, Any]) -> float:
    """Return the time of a line in seconds since 1970; 0 if it has no valid time."""
    try:
        return datetime.fromisoformat(fields["time"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0
