"""Conversations: which turn follows which, what the model reads of them, and reopened sessions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.engine.protocol import Message
from rm_local.errors import RmLocalError, UsageError
from rm_local.loop.events import Answered, Event, Failed, Formulating
from rm_local.records import Answer
from rm_local.sessions import (
    Journal,
    TurnTree,
    find_last_changed_session_file,
    list_conversation_turn_numbers,
    list_sessions,
    read_session_turns,
)
from tests.support.folders import path_of

FAILED = Failed("The model is gone.", "Load another.", 3)


def answered(text: str, result: str | None = None) -> Answered:
    """The end of a turn that said `text`."""
    return Answered(Answer(text, result, 0, 1, 1, (), 5, 0.5))


def said(*texts: str) -> tuple[Message, ...]:
    """Questions and answers in turn."""
    return tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts))


def asked(turns: TurnTree, question: str, after: int, *events: Event) -> int:
    """The number of a turn in which these events have happened."""
    number = turns.add_turn(question, after)
    for event in events:
        turns.record_answer_if_answered(number, event)
    return number


def saved(folder: Path, *events: Event, turn: int = 1, after: int = 0) -> Path:
    """A session's file with one turn."""
    journal = Journal(folder, model="m.gguf", store="s.rms")
    journal.write_question("Why?", "memory", turn=turn, after=after)
    for event in events:
        journal.write_event(event)
    journal.close()
    return path_of(journal)


def test_a_follow_up_reads_questions_and_chosen_answers() -> None:
    """In their order; a branch without words gives its result, and no thought is in it."""
    turns = TurnTree()
    first = asked(turns, "Q1", 0, answered("It is 8.\n", "8"))
    second = asked(turns, "Q2", first, answered("  ", "9"))

    assert (first, second, turns.last_turn_number) == (1, 2, 2)
    assert turns.list_answered_messages(0) == ()
    assert turns.list_answered_messages(second) == said("Q1", "It is 8.", "Q2", "9")


def test_a_turn_without_an_answer_is_skipped() -> None:
    """Templates want questions and answers in turn, and the model has said nothing there."""
    turns = TurnTree()
    first = asked(turns, "Q1", 0, answered("A1"))
    failed = asked(turns, "Q2", first, FAILED)

    assert turns.list_answered_messages(failed) == said("Q1", "A1")


def test_a_conversation_forks_where_an_earlier_turn_is_followed() -> None:
    """Each fork has its own turns; a new conversation has none of them."""
    turns = TurnTree()
    first = asked(turns, "Q1", 0, answered("A1"))
    asked(turns, "Q2", first, answered("A2"))
    other = asked(turns, "Q2b", first, answered("A2b"))
    alone = asked(turns, "Q3", 0, answered("A3"))

    assert turns.list_answered_messages(other) == said("Q1", "A1", "Q2b", "A2b")
    assert turns.list_answered_messages(alone) == said("Q3", "A3")
    with pytest.raises(UsageError, match="no turn 9"):
        turns.add_turn("Q4", 9)


def test_a_way_through_the_turns_always_ends() -> None:
    """Also in a file that was tampered with: a circle, or a turn that is not there."""
    assert list_conversation_turn_numbers({1: 0, 2: 1, 3: 1}, 3) == (1, 3)
    assert list_conversation_turn_numbers({1: 2, 2: 1}, 2) == (1, 2)
    assert list_conversation_turn_numbers({2: 7}, 2) == (2,)
    assert list_conversation_turn_numbers({}, 0) == ()


def test_a_saved_session_keeps_who_follows_whom(tmp_path: Path) -> None:
    """Numbers come back as they were written."""
    journal = Journal(tmp_path, model="", store="")
    for turn, after in ((1, 0), (2, 1), (3, 1), (4, 0)):
        journal.write_question(f"Q{turn}", "memory", turn=turn, after=after)
        journal.write_event(answered(f"A{turn}"))
    traces = read_session_turns(path_of(journal))

    assert [(trace.number, trace.after) for trace in traces] == [(1, 0), (2, 1), (3, 1), (4, 0)]
    assert TurnTree(traces).list_answered_messages(3) == said("Q1", "A1", "Q3", "A3")


def test_turns_of_an_older_file_stood_alone(tmp_path: Path) -> None:
    """They are numbered by their place; so are those whose numbers make no sense."""
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"event": "session", "version": 1}\n'
        '{"event": "asked", "question": "Q1", "plan": "memory", "seed": 0}\n'
        '{"event": "asked", "question": "Q2", "plan": "memory", "turn": 2, "after": 5}\n'
        '{"event": "asked", "question": "Q3", "plan": "memory", "turn": "x", "after": 1}\n'
    )

    assert [(trace.number, trace.after) for trace in read_session_turns(path)] == [
        (1, 0),
        (2, 0),
        (3, 0),
    ]


def test_a_session_is_continued_in_its_own_file(tmp_path: Path) -> None:
    """What was there stays as it was; the model that it continues with is noted."""
    path = saved(tmp_path, answered("A1"))
    before = path.read_bytes()
    journal = Journal.reopen(path, model="other.gguf", store="s.rms")
    assert path.read_bytes() == before
    journal.write_question("And then?", "memory", turn=2, after=1)
    journal.write_event(answered("A2"))
    journal.close()

    assert path.read_bytes().startswith(before)
    assert b'{"event": "reopened"' in path.read_bytes()
    assert b"other.gguf" in path.read_bytes()
    assert [(trace.number, trace.after) for trace in read_session_turns(path)] == [(1, 0), (2, 1)]
    assert [session.turns for session in list_sessions(tmp_path)] == [2]


def test_a_line_that_was_cut_short_spoils_no_later_one(tmp_path: Path) -> None:
    """The session of a program that was killed can be continued."""
    path = saved(tmp_path, Formulating("How"), answered("A1"))
    path.write_bytes(path.read_bytes()[:-30])
    journal = Journal.reopen(path, model="", store="")
    journal.write_question("Again?", "memory", turn=2)
    journal.write_event(answered("A2"))
    journal.close()
    first, second = read_session_turns(path)

    assert (first.subproblem, first.answer) == ("How", None)
    assert second.answer == answered("A2").answer


def test_what_cannot_be_resumed_is_an_error_of_ours(tmp_path: Path) -> None:
    """No session, or no file: reported with the file's name."""
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match=r"x\.jsonl"):
        Journal.reopen(tmp_path / "x.jsonl", model="", store="")
    with pytest.raises(RmLocalError, match="No such file"):
        Journal.reopen(tmp_path / "none.jsonl", model="", store="")
    with pytest.raises(UsageError, match="no session yet"):
        find_last_changed_session_file(tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_two_programs_do_not_write_to_one_session(tmp_path: Path) -> None:
    """The second is refused; when the first has left the session, it may."""
    path = saved(tmp_path)
    first = Journal.reopen(path, model="", store="")
    code = (
        "import sys; from pathlib import Path; from rm_local.sessions import Journal\n"
        "Journal.reopen(Path(sys.argv[1]), model='', store='')"
    )
    command = [sys.executable, "-c", code, str(path)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    first.close()

    assert "is open in another rm-local" in second.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_the_last_session_is_the_one_in_which_something_happened_last(tmp_path: Path) -> None:
    """Also when there is a younger one."""
    older, younger = saved(tmp_path), saved(tmp_path)
    os.utime(older, (1, 1))
    os.utime(younger, (2, 2))
    assert find_last_changed_session_file(tmp_path) == younger
    journal = Journal.reopen(older, model="", store="")
    journal.write_question("And then?", "memory", turn=2, after=1)
    journal.close()

    assert find_last_changed_session_file(tmp_path) == older
