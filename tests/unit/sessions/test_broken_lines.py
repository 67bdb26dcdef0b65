"""Lines of a session file that cannot be read: each is left out, and breaks nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.sessions import find_last_changed_session_file, list_sessions, read_session_turns

OLD = Path(__file__).parents[2] / "data" / "written-by-0.1.0" / "session.jsonl"
BROKEN = {
    "lists": b"[" * 100_000 + b"]" * 100_000,
    "objects": b'{"event": "answered", "x": ' * 50_000,
    "list in an event": b'{"event": "asked", "question": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "digits": b'{"event": "answered", "n": ' + b"9" * 5001 + b"}",
    "bytes": bytes(range(256)),
    "half": b'{"event": "answered", "x',
}


@pytest.mark.parametrize("place", ["middle", "end"])
@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_a_line_that_cannot_be_read_breaks_only_itself(
    line: bytes, place: str, tmp_path: Path
) -> None:
    """The session is listed and read with its other lines, and so are its neighbours."""
    lines = OLD.read_bytes().splitlines()
    at = 3 if place == "middle" else len(lines)
    (tmp_path / "broken.jsonl").write_bytes(b"\n".join([*lines[:at], line, *lines[at:]]) + b"\n")
    (tmp_path / "good.jsonl").write_bytes(OLD.read_bytes())

    listed = list_sessions(tmp_path)
    turns = read_session_turns(tmp_path / "broken.jsonl")

    assert [saved.id for saved in listed] == ["good", "broken"]
    assert len({saved.question for saved in listed}) == 1
    whole = read_session_turns(tmp_path / "good.jsonl")
    assert [turn.question for turn in turns] == [turn.question for turn in whole]
    assert find_last_changed_session_file(tmp_path).parent == tmp_path
