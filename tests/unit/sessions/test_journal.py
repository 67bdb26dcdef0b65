"""Sessions: written as they happen, listed, read again."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import stat
from pathlib import Path

import pytest

from rm_local import sessions
from rm_local.engine.branches import TokenChunk
from rm_local.errors import RmLocalError, UsageError
from rm_local.loop.events import Answered, BranchFinished, Event, Failed, Formulating, Retrieved
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from rm_local.paths import sessions_dir
from rm_local.sessions import (
    Journal,
    find_session_file_by_prefix,
    list_sessions,
    read_session_turns,
)
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    SUBPROBLEM,
    FakeEngine,
    hit,
)
from tests.support.folders import path_of

FAILED = Failed("The model is gone.", "Load another.", 3)


def turn() -> list[Event]:
    """The events of a turn over the fakes."""

    async def run() -> list[Event]:
        return [e async for e in solve("4 + 4?", PLANS["memory"], FakeEngine(), FakeRecall())]

    return asyncio.run(run())


def journal(folder: Path, *turns: list[Event]) -> Journal:
    """A session with these turns."""
    written = Journal(folder, model="m.gguf", store="s.rms")
    for number, events in enumerate(turns):
        written.write_question(f"Question {number}?", "memory", seed=number)
        for event in events:
            written.write_event(event)
    return written


def test_nothing_is_written_before_the_first_question(tmp_path: Path) -> None:
    """Opening the app leaves no empty session."""
    journal(tmp_path / "sessions").close()

    assert not (tmp_path / "sessions").exists()


def test_every_event_is_on_disk_at_once(tmp_path: Path) -> None:
    """A kill loses nothing that was written: no line waits in the process."""
    written = journal(tmp_path, [Formulating("How"), Formulating(" do")])
    lines = [json.loads(line) for line in path_of(written).read_bytes().splitlines()]

    assert [line["event"] for line in lines] == ["session", "asked", "formulating", "formulating"]
    assert lines[0]["version"] == 1
    assert lines[0]["model"] == "m.gguf"
    assert lines[1]["question"] == "Question 0?"
    assert all("time" in line for line in lines[1:])


def test_a_session_is_private_and_readably_named(tmp_path: Path) -> None:
    """Date, time and four letters; only its owner may read what was asked."""
    written = journal(tmp_path, [FAILED])

    assert re.fullmatch(r"\d{8}-\d{6}-[a-z2-9]{4}", written.id)
    assert path_of(written).name == f"{written.id}.jsonl"
    if os.name == "posix":
        assert stat.S_IMODE(path_of(written).stat().st_mode) == 0o600


def test_a_full_disk_never_fails_the_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported once, and what was written before stays."""
    warnings: list[str] = []
    written = Journal(tmp_path, model="", store="", warn=warnings.append)
    written.write_question("Question?", "memory")

    def full(_line: object) -> int:
        raise OSError(28, "No space left on device")

    class Full(io.BytesIO):
        write = staticmethod(full)

    monkeypatch.setattr(written, "_file", Full())
    for _ in range(3):
        written.write_event(Formulating("How"))

    assert len(warnings) == 1
    assert "No space left" in warnings[0]
    assert [trace.question for trace in read_session_turns(path_of(written))] == ["Question?"]


def test_a_folder_that_cannot_be_made_is_reported_once(tmp_path: Path) -> None:
    """A file where the folder should be is no reason to stop either."""
    (tmp_path / "sessions").write_text("")
    warnings: list[str] = []
    written = Journal(tmp_path / "sessions", model="", store="", warn=warnings.append)
    written.write_question("Question?", "memory")
    written.write_event(FAILED)
    written.close()

    assert len(warnings) == 1


def test_a_disk_that_is_full_from_the_start_saves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is saved, no empty file stays, and nothing is said of a session."""

    class Full(io.FileIO):
        def write(self, _line: object) -> int:
            raise OSError(28, "No space left on device")

    def full(path: Path, _mode: str, **_: object) -> Full:
        return Full(path, "x")

    folder = tmp_path / "sessions"
    reasons: list[OSError] = []
    warnings: list[str] = []
    monkeypatch.setattr("rm_local.sessions.journal.open", full, raising=False)
    written = Journal(folder, model="", store="", warn=warnings.append, unsaved=reasons.append)
    for _ in range(2):
        written.write_question("Question?", "memory")

    assert ([reason.errno for reason in reasons], warnings) == ([28], [])
    assert not written.begun
    assert [*folder.iterdir()] == []


def test_without_a_folder_nothing_is_saved() -> None:
    """Nor said: there is no home folder, which was said already."""
    warnings: list[str] = []
    written = Journal(None, model="", store="", warn=warnings.append)
    written.write_question("Question?", "memory")
    written.write_event(FAILED)
    written.close()

    assert (written.path, written.begun, warnings) == (None, False, [])


@pytest.mark.parametrize("code", [13, 30])
def test_a_session_that_cannot_be_written_continues_unsaved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """It was read; the file stays as it is."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    path = path_of(journal(tmp_path, [FAILED]))
    before, reasons = path.read_bytes(), list[OSError]()
    monkeypatch.setattr("rm_local.sessions.journal.open", refuse, raising=False)

    again = Journal.reopen(path, model="", store="", unsaved=reasons.append)
    again.write_question("Question?", "memory")

    assert [reason.errno for reason in reasons] == [code]
    assert path.read_bytes() == before


def test_a_turn_comes_back_whole(tmp_path: Path) -> None:
    """Question, plan, subproblem, hits, branches and answer, as they were."""
    events = turn()
    (trace,) = read_session_turns(path_of(journal(tmp_path, events)))
    (hits,) = (event.hits for event in events if isinstance(event, Retrieved))
    branches = {e.branch.index: e.branch for e in events if isinstance(e, BranchFinished)}

    assert (trace.question, trace.plan) == ("Question 0?", "memory")
    assert trace.subproblem == SUBPROBLEM
    assert trace.hits == hits
    assert {branch.index: branch.to_record() for branch in trace.branches} == branches
    assert events[-1] == Answered(trace.answer)  # type: ignore[arg-type]
    assert trace.failure is None


def test_a_cut_turn_has_all_that_was_written(tmp_path: Path) -> None:
    """Wherever the file breaks off, even within a line, everything before is read."""
    events = turn()
    path = path_of(journal(tmp_path, events))
    data = path.read_bytes()
    header = data.index(b"\n") + 1
    for cut in range(header, len(data) - 1, 97):
        path.write_bytes(data[:cut])
        for trace in read_session_turns(path):
            assert trace.answer is None
            assert trace.failure == "The session ended in the middle of this turn."

    path.write_bytes(data[: data.index(b'{"event": "branch_finished"')])
    (trace,) = read_session_turns(path)
    tokens = [event for event in events if isinstance(event, TokenChunk)]
    assert {branch.stop for branch in trace.branches} == {"cancelled"}
    assert trace.branches[0].thinking == tokens[0].text
    assert trace.branches[0].hint == hit(1, 0.9)


def test_a_garbled_line_is_skipped(tmp_path: Path) -> None:
    """What can be read is read."""
    path = path_of(journal(tmp_path, [Formulating("How"), FAILED]))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2:2] = [b"\xff\x00{\n", b"[1]\n", b'{"event": "token", "branch": "x"}\n', b"\n"]
    path.write_bytes(b"".join(lines) + b'{"event": "ans')
    (trace,) = read_session_turns(path)

    assert trace.subproblem == "How"
    assert trace.failure == "The model is gone. Load another."


@pytest.mark.parametrize("content", [b"", b"{}\n", b"GGUF\x00\xff", b'{"event": "asked"}\n'])
def test_what_is_no_session_is_refused(tmp_path: Path, content: bytes) -> None:
    """With a message that names the file; the list leaves it out."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"x\.jsonl"):
        read_session_turns(path)
    assert list_sessions(tmp_path) == []


def test_a_later_versions_session_is_refused(tmp_path: Path) -> None:
    """Rather than read wrongly."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"event": "session", "version": 2}\n')

    with pytest.raises(UsageError, match="later"):
        read_session_turns(path)


def test_a_missing_session_is_an_error_of_ours(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(RmLocalError, match="No such file"):
        read_session_turns(tmp_path / "none.jsonl")


def test_the_list_shows_what_each_session_was(tmp_path: Path) -> None:
    """First question, number of turns, and how the last one ended; newest first."""
    first = journal(tmp_path, turn())
    second = journal(tmp_path, turn(), [FAILED])
    third = journal(tmp_path, [Failed("Stopped.", "", 130)])
    fourth = journal(tmp_path, [Formulating("How")])
    for day, path in enumerate(map(path_of, (first, second, third, fourth)), 1):
        text = re.sub(
            r'"started": "[^"]+"', f'"started": "2026-03-0{day}T10:00:00+00:00"', path.read_text()
        )
        path.write_text(text)
    listed = list_sessions(tmp_path)

    assert [s.id for s in listed] == [fourth.id, third.id, second.id, first.id]
    assert [s.state for s in listed] == ["cut short", "stopped", "failed", "answered"]
    assert [s.turns for s in listed] == [1, 1, 2, 1]
    assert {(s.question, s.model) for s in listed} == {("Question 0?", "m.gguf")}
    assert listed[0].started.tzinfo


def test_without_a_folder_there_are_no_sessions() -> None:
    """The user's own folder is looked in, and need not exist."""
    assert list_sessions() == []
    journal(sessions_dir(), [FAILED])
    assert len(sessions.list_sessions()) == 1


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    """As long as that fits one."""
    for name in ("20260301-a", "20260302-b", "20260302-bc"):
        (tmp_path / f"{name}.jsonl").touch()

    assert find_session_file_by_prefix("20260301", tmp_path).stem == "20260301-a"
    assert find_session_file_by_prefix("20260302-b", tmp_path).stem == "20260302-b"
    with pytest.raises(UsageError, match="Several"):
        find_session_file_by_prefix("20260302", tmp_path)
    with pytest.raises(UsageError, match="no session"):
        find_session_file_by_prefix("2027", tmp_path)
