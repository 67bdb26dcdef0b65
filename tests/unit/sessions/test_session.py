"""A session over a runtime: numbers, history, the saved file, and several sessions at once."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import pytest

from rm_local import paths
from rm_local.engine.branches import BranchEvent, BranchSpec, TokenChunk
from rm_local.errors import UsageError
from rm_local.loop.events import Answered, Event, Formulated, Notice, RunEvent
from rm_local.loop.plan import PLANS
from rm_local.loop.turn_context import EventQueue
from rm_local.lora import LoraAdapter
from rm_local.sessions import Journal, Session, list_sessions, read_session_turns
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import FakeEngine
from tests.support.folders import path_of


async def ask(session: Session, question: str = "4 + 4?", after: int = 0) -> list[Event]:
    """All events of a turn."""
    return [event async for event in session.ask(question, PLANS["memory"], after=after)]


def contents(engine: FakeEngine) -> list[list[str]]:
    """What the engine read in each turn."""
    return [[message.content for message in turn] for turn in engine.turns]


async def test_every_turn_is_saved() -> None:
    """Two questions in one session, and one in another, whose failure is saved too."""
    runtime = FakeRuntime()
    session, other = Session(runtime), Session(runtime)
    assert (session.path, session.last_turn_number) == (None, 0)
    events = await ask(session)
    await ask(session, "5 + 5?")
    await ask(other, "")
    assert session.path is not None
    turns = read_session_turns(session.path)
    listed = {saved.path: (saved.turns, saved.state) for saved in list_sessions()}

    assert [turn.question for turn in turns] == ["4 + 4?", "5 + 5?"]
    assert events[-1] == Answered(turns[0].answer)  # type: ignore[arg-type]
    assert listed == {session.path: (2, "answered"), other.path: (1, "failed")}


async def test_the_adapters_of_the_model_are_saved_with_it(tmp_path: Path) -> None:
    """With hash and scale, in the first line, and again where another program continues."""
    file = tmp_path / "a.gguf"
    file.write_bytes(b"adapter")
    adapter = LoraAdapter(str(file), 0.5, hashlib.sha256(b"adapter").hexdigest())
    runtime = FakeRuntime()
    runtime._lora = (LoraAdapter(str(file), 0.5),)
    session = Session(runtime)
    await ask(session)
    await ask(session)
    session.close()
    assert session.path
    again = Session.resume(FakeRuntime(), session.path)
    await ask(again)
    again.close()

    lines = [json.loads(line) for line in session.path.read_bytes().splitlines()]
    described = [line for line in lines if "lora" in line]
    assert [line["event"] for line in described] == ["session", "reopened"]
    assert described[0]["lora"] == [asdict(adapter)]
    assert described[1]["lora"] == []
    assert len(read_session_turns(session.path)) == 3


async def test_a_session_names_all_stores_that_were_searched() -> None:
    """`store` is the first, as before; `stores` are all, if there are several."""
    runtime = FakeRuntime()
    session = Session(runtime)
    await ask(session)
    session.close()
    assert session.path
    runtime._named_stores = (Path("a.rms"), Path("b.rms"))
    again = Session.resume(runtime, session.path)
    await ask(again)
    again.close()

    lines = [json.loads(line) for line in session.path.read_bytes().splitlines()]
    named = [(line["store"], line.get("stores")) for line in lines if "store" in line]
    assert named == [("fake.rms", None), ("a.rms", ["a.rms", "b.rms"])]


async def test_an_event_is_saved_before_it_is_given_out() -> None:
    """What a face has shown is in the file, whatever happens next."""
    session = Session(FakeRuntime())
    async for event in session.ask("4 + 4?", PLANS["memory"]):
        assert session.path is not None
        (turn,) = read_session_turns(session.path)
        if isinstance(event, Formulated):
            assert turn.formulated is not None
        if isinstance(event, Answered):
            assert turn.answer == event.answer


async def test_loading_and_notices_are_not_saved() -> None:
    """They belong to the program that ran, not to the turn."""
    runtime = FakeRuntime()
    runtime.publish_notice_once("The log cannot be written.")
    session = Session(runtime)
    events = await ask(session)
    assert session.path is not None
    saved = session.path.read_text()

    kinds = {event.event for event in events if isinstance(event, RunEvent)}
    assert kinds == {"model_loading", "notice"}
    assert not any(f'"{kind}"' in saved for kind in kinds)


async def test_a_follow_up_carries_the_conversation() -> None:
    """The model reads what was asked and answered; a question that follows nothing is alone."""
    engine = FakeEngine()
    session = Session(FakeRuntime(engine))
    await ask(session)
    await ask(session, "And 5 more?", after=1)
    await ask(session, "6 + 6?")

    assert contents(engine) == [
        ["4 + 4?"],
        ["4 + 4?", "Answer: 8", "And 5 more?"],
        ["6 + 6?"],
    ]
    assert session.parents == {1: 0, 2: 1, 3: 0}
    with pytest.raises(UsageError, match="no turn 9"):
        await ask(session, after=9)


async def test_a_session_is_resumed_from_its_file() -> None:
    """Its turns come back, can be followed, and the new one is saved there."""
    first = Session(FakeRuntime())
    await ask(first)
    assert first.path is not None
    first.close()
    engine = FakeEngine()
    second = Session.resume(FakeRuntime(engine), first.path)
    await ask(second, "And 5 more?", after=second.last_turn_number)
    second.close()

    assert [turn.number for turn in second.saved] == [1]
    assert contents(engine) == [["4 + 4?", "Answer: 8", "And 5 more?"]]
    assert [turn.number for turn in read_session_turns(first.path)] == [1, 2]


async def test_sessions_share_one_runtime_at_the_same_time() -> None:
    """Asked at once, each gets its own answer and its own file; neither reads the other's turns."""
    engine = FakeEngine()
    runtime = FakeRuntime(engine)
    one, other = Session(runtime), Session(runtime)
    ends = await asyncio.gather(ask(one, "1 + 1?"), ask(other, "2 + 2?"))
    await asyncio.gather(ask(one, "Why?", after=1), ask(other, "How?", after=1))

    assert all(isinstance(events[-1], Answered) for events in ends)
    assert contents(engine) == [
        ["1 + 1?"],
        ["2 + 2?"],
        ["1 + 1?", "Answer: 8", "Why?"],
        ["2 + 2?", "Answer: 8", "How?"],
    ]
    assert one.path is not None
    assert other.path is not None
    assert [turn.question for turn in read_session_turns(one.path)] == ["1 + 1?", "Why?"]
    assert [turn.question for turn in read_session_turns(other.path)] == ["2 + 2?", "How?"]


async def test_one_session_answers_one_question_at_a_time() -> None:
    """Its file holds one turn after another; the next question is taken when the turn is closed."""
    session = Session(FakeRuntime())
    turn = session.ask("4 + 4?", PLANS["memory"])
    await anext(turn)
    with pytest.raises(UsageError, match="is answering"):
        await ask(session, "5 + 5?")
    await turn.aclose()

    assert isinstance((await ask(session, "5 + 5?"))[-1], Answered)
    assert session.last_turn_number == 2


async def test_a_session_that_cannot_be_saved_says_so_once_and_continues() -> None:
    """The notice comes with the turn, which is solved all the same."""
    paths.sessions_dir().parent.mkdir(parents=True)
    paths.sessions_dir().write_text("in the way")
    session = Session(FakeRuntime())
    events, again = await ask(session), await ask(session, "5 + 5?")

    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "Sessions cannot be saved" in notice.text
    assert isinstance(events[-1], Answered)
    assert not [event for event in again if isinstance(event, Notice)]


def generators_above(frame: FrameType | None) -> list[str]:
    """The asynchronous generators of rm_local that are suspended around this frame."""
    found = []
    while frame is not None:
        if frame.f_code.co_flags & inspect.CO_ASYNC_GENERATOR:
            found.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")
        frame = frame.f_back
    return [name for name in found if name.startswith("rm_local.")]


async def test_a_token_passes_four_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's, before the queue of the turn's events, and three after it; each more would
    cost every token."""
    before, after = set[tuple[str, ...]](), set[tuple[str, ...]]()
    emit, read = EventQueue.emit, EventQueue.read_event

    class Watched(FakeEngine):
        async def generate_branches(
            self, specs: Sequence[BranchSpec]
        ) -> AsyncGenerator[BranchEvent, None]:
            async for event in super().generate_branches(specs):
                before.add(tuple(generators_above(sys._getframe())))
                yield event

    def watched_emit(queue: EventQueue, event: Event) -> None:
        if isinstance(event, TokenChunk):
            before.add(tuple(generators_above(sys._getframe())))
        emit(queue, event)

    async def watched_read(queue: EventQueue) -> Event | None:
        after.add(tuple(generators_above(sys._getframe())))
        return await read(queue)

    monkeypatch.setattr(EventQueue, "emit", watched_emit)
    monkeypatch.setattr(EventQueue, "read_event", watched_read)
    await ask(Session(FakeRuntime(Watched())))

    assert before == {()}, "the engine's generator is read by coroutines alone"
    assert after == {
        ("rm_local.loop.solver.solve", "rm_local.runtime.solve", "rm_local.sessions.session.ask")
    }


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_a_session_that_is_open_elsewhere_is_refused(tmp_path: Path) -> None:
    """It can be resumed as soon as whoever holds it has left it."""
    journal = Journal(tmp_path, model="", store="")
    journal.write_question("Q1", "memory", turn=1)
    runtime = FakeRuntime()
    with pytest.raises(UsageError):
        Session.resume(runtime, path_of(journal))
    journal.close()
    session = Session.resume(runtime, path_of(journal))
    assert session.last_turn_number == 1
    session.close()
