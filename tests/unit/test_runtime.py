"""The runtime: what is opened when, and what is saved."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from rm_local import sessions
from rm_local.engine.protocol import ModelInfo
from rm_local.errors import ModelMissing
from rm_local.loop.control import TurnControl
from rm_local.loop.events import Answered, Event, Failed
from rm_local.loop.plan import PLANS
from rm_local.options import EngineOptions
from rm_local.runtime import Runtime
from rm_local.settings import Settings, shipped_model, shipped_store, templates_dir
from tests.support.fakes import INFO, FakeEngine, FakeRecall


class OwnEngine(Runtime):
    """A runtime over a fake engine, with no store unless it is given a recall."""

    def __init__(
        self,
        engine: FakeEngine,
        recall: FakeRecall | None = None,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__(settings, store=Path("nowhere.rms"))
        self._engine = engine  # type: ignore[assignment]
        self._recall = recall

    async def _opened_memory(self) -> FakeRecall:  # type: ignore[override]
        return self._recall or await super()._opened_memory()  # type: ignore[return-value]


async def events_of(
    runtime: Runtime,
    plan: str = "memory",
    question: str = "4 + 4?",
    control: TurnControl | None = None,
    after: int = 0,
) -> list[Event]:
    """All events of a turn."""
    return [e async for e in runtime.solve(question, PLANS[plan], control=control, after=after)]


def test_files_named_for_the_runtime_go_first() -> None:
    """Then the settings', then what comes along."""
    settings = Settings(model=Path("set.gguf"), store=Path("set.rms"))
    named = Runtime(settings, model=Path("named.gguf"))

    assert (named.model, named.store) == (Path("named.gguf"), Path("set.rms"))
    plain = Runtime(Settings())
    assert (plain.model, plain.store) == (shipped_model(), shipped_store())


async def test_what_is_not_as_asked_for_is_a_warning_once() -> None:
    """A model that was loaded otherwise says so when it is loaded, not with every turn."""
    note = "The memory that is free holds a context of 4,096 tokens, not 16,384."
    runtime = OwnEngine(FakeEngine(info=replace(INFO, notes=(note,))))
    warned: list[str] = []
    runtime.warn = warned.append

    await runtime.load_model()
    await runtime.load_model()

    assert warned == [note]


def test_the_settings_reach_the_engine() -> None:
    """How keys and values are kept, what a full context leads to, and the memory check."""
    settings = Settings(kv="q8_0", flash_attention="on", overflow="drop", check_memory=False)

    with patch("rm_local.engine.client.Engine") as made:
        assert Runtime(settings).engine is made.return_value

    (options,) = made.call_args.args
    assert options == EngineOptions(
        kv="q8_0",
        flash_attention="on",
        overflow="drop",
        check_memory=False,
        templates=str(templates_dir()),
    )


async def test_a_missing_store_is_told_before_the_model_is_loaded() -> None:
    """Loading may take a minute; a wrong path is known at once."""
    engine = FakeEngine()
    (event,) = await events_of(OwnEngine(engine))

    assert isinstance(event, Failed)
    assert event.exit_code == 4
    assert not engine.loads


async def test_a_plan_without_retrieval_needs_no_store() -> None:
    """The model by itself runs where there is no store."""
    events = await events_of(OwnEngine(FakeEngine()), "none")

    assert isinstance(events[-1], Answered)


async def test_the_model_is_loaded_once() -> None:
    """The second question finds it there."""
    engine = FakeEngine()
    runtime = OwnEngine(engine)
    assert runtime.info is None
    await events_of(runtime, "none")
    await events_of(runtime, "none")

    assert engine.loads == [shipped_model()]
    assert runtime.info == engine.info


async def test_a_model_that_died_is_loaded_again() -> None:
    """Nobody has to restart the app."""
    engine = FakeEngine()
    runtime = OwnEngine(engine)
    await events_of(runtime, "none")
    await engine.close()
    events = await events_of(runtime, "none")

    assert isinstance(events[-1], Answered)
    assert len(engine.loads) == 2


async def test_an_idle_model_gives_its_memory_back() -> None:
    """Its process ends after the settings' minutes; the next question starts it again."""
    engine, unloaded = FakeEngine(), asyncio.Event()
    runtime = OwnEngine(engine, settings=Settings(idle_unload=1e-6))
    runtime.on_unload = unloaded.set
    await events_of(runtime, "none")
    await unloaded.wait()

    assert engine.closed
    assert runtime.info is None
    assert isinstance((await events_of(runtime, "none"))[-1], Answered)
    assert len(engine.loads) == 2
    await runtime.close()


async def test_a_turn_that_is_read_is_not_idle() -> None:
    """However long the face takes over an event, and after it was left in the middle."""
    runtime = OwnEngine(FakeEngine())
    turn = runtime.solve("4 + 4?", PLANS["none"])
    async for _ in turn:
        assert not runtime.idle.counting
        break
    assert not runtime.idle.counting
    await turn.aclose()

    assert runtime.idle.counting
    await runtime.close()
    assert not runtime.idle.counting


async def test_an_empty_question_opens_nothing() -> None:
    """It is refused first."""
    engine = FakeEngine()
    (event,) = await events_of(OwnEngine(engine), question=" ")

    assert isinstance(event, Failed)
    assert event.exit_code == 2
    assert not engine.loads


async def test_a_stop_while_the_model_loads_ends_the_turn() -> None:
    """Esc does not wait for the disk."""
    control = TurnControl()

    class Slow(FakeEngine):
        async def load(self, *_: object, **__: object) -> ModelInfo:
            control.stop()
            await TurnControl()._event.wait()
            raise ModelMissing("Unreachable.")

    (event,) = await events_of(OwnEngine(Slow()), "none", control=control)

    assert isinstance(event, Failed)
    assert event.exit_code == 130


async def test_every_turn_is_saved() -> None:
    """Two questions in one session, and a new session in a file of its own."""
    runtime = OwnEngine(FakeEngine(), FakeRecall())
    assert runtime.session is None
    events = await events_of(runtime)
    await events_of(runtime, question="5 + 5?")
    runtime.new_session()
    await events_of(runtime, question="")
    last, first = sorted(sessions.list_sessions(), key=lambda session: session.turns)
    traces = sessions.replay(first.path)

    assert [trace.question for trace in traces] == ["4 + 4?", "5 + 5?"]
    assert events[-1] == Answered(traces[0].answer)  # type: ignore[arg-type]
    assert (last.turns, last.state) == (1, "failed")
    assert runtime.session == last.path


async def test_a_follow_up_carries_the_conversation() -> None:
    """The model reads what was asked and answered; a question that follows nothing is alone."""
    engine = FakeEngine()
    runtime = OwnEngine(engine, FakeRecall())
    await events_of(runtime)
    assert runtime.turn == 1
    await events_of(runtime, question="And 5 more?", after=1)
    await events_of(runtime, question="6 + 6?")
    assert runtime.session
    saved = sessions.replay(runtime.session)

    assert [[message.content for message in turn] for turn in engine.turns] == [
        ["4 + 4?"],
        ["4 + 4?", "Answer: 8", "And 5 more?"],
        ["6 + 6?"],
    ]
    assert [(trace.number, trace.after) for trace in saved] == [(1, 0), (2, 1), (3, 0)]


async def test_a_session_is_gone_on_with_from_its_file() -> None:
    """By another runtime: its turns come back, can be followed, and the new one is saved there."""
    first = OwnEngine(FakeEngine(), FakeRecall())
    await events_of(first)
    path = first.session
    assert path
    first.new_session()
    engine = FakeEngine()
    second = OwnEngine(engine, FakeRecall())
    (saved,) = second.resume(path)
    await events_of(second, question="And 5 more?", after=saved.number)

    assert [message.content for message in engine.turns[0]] == [
        "4 + 4?",
        "Answer: 8",
        "And 5 more?",
    ]
    assert [trace.number for trace in second.resume(path)] == [1, 2]
    second.new_session()
    assert second.turn == 0


async def test_a_model_that_takes_single_questions_gets_no_history() -> None:
    """The turn is saved as a follow-up all the same."""
    engine = FakeEngine(info=replace(INFO, converses=False))
    runtime = OwnEngine(engine, FakeRecall())
    await events_of(runtime)
    await events_of(runtime, question="And 5 more?", after=1)
    assert runtime.session

    assert [len(turn) for turn in engine.turns] == [1, 1]
    assert [trace.after for trace in sessions.replay(runtime.session)] == [0, 1]


def modules_after(code: str, names: Sequence[str]) -> set[str]:
    """Which of the modules a fresh process holds once it has run `code`."""
    probe = f"import sys\n{code}\nprint(*[n for n in {list(names)!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_runtime_is_cheap() -> None:
    """Numbers, SQLite and models are imported when they are used."""
    heavy = ["numpy", "apsw", "sqlite_vec", "zstandard", "llama_cpp", "torch", "gguf", "textual"]

    assert modules_after("import rm_local.runtime, rm_local.sessions", heavy) == set()


@pytest.mark.parametrize("name", ["rm_local.loop.retrieve", "rm_local.loop.solve"])
def test_the_loop_holds_no_model_and_no_database(name: str) -> None:
    """The rooms below are handed in."""
    assert modules_after(f"import {name}", ["apsw", "llama_cpp", "torch"]) == set()
