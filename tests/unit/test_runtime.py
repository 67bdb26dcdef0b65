"""The runtime: what is opened when, and how turns share it."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from rm_local.engine.protocol import Message, ModelInfo
from rm_local.errors import CancelledByUserError, ModelNotFoundError, StoreNotFoundError
from rm_local.loop.control import TurnControl
from rm_local.loop.events import Answered, Event, Failed, ModelLoading, ModelUnloaded, Notice
from rm_local.loop.plan import PLANS
from rm_local.lora import LoraAdapter
from rm_local.options import EngineOptions
from rm_local.paths import shipped_model, shipped_store, templates_dir
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import INFO, FakeEngine


async def events_of(
    runtime: Runtime,
    plan: str = "memory",
    question: str = "4 + 4?",
    control: TurnControl | None = None,
    history: Sequence[Message] = (),
) -> list[Event]:
    """All events of a turn."""
    turn = runtime.solve(question, PLANS[plan], control=control, history=history)
    return [event async for event in turn]


def loaded(events: list[Event]) -> list[float]:
    """The shares of the model's loading among the events."""
    return [event.share for event in events if isinstance(event, ModelLoading)]


def test_files_named_for_the_runtime_go_first() -> None:
    """Then the settings', then what comes along."""
    settings = Settings(model=Path("set.gguf"), stores=(Path("set.rms"), Path("b.rms")))
    named = Runtime(settings, model=Path("named.gguf"))

    assert (named.model, named.store) == (Path("named.gguf"), Path("set.rms"))
    assert named.stores == settings.stores
    assert Runtime(settings, store=Path("s.rms")).stores == (Path("s.rms"),)
    plain = Runtime(Settings())
    assert (plain.model, plain.store) == (shipped_model(), shipped_store())


async def test_adapters_are_identified_once_and_loaded_with_the_model(tmp_path: Path) -> None:
    """Each time with the hash that their files had at first; one with the scale 0 is not used."""
    file = tmp_path / "a.gguf"
    file.write_bytes(b"adapter")
    lora = (LoraAdapter(str(file), 0.5), LoraAdapter("unused.gguf", 0))
    digest = hashlib.sha256(b"adapter").hexdigest()
    loads: list[Sequence[LoraAdapter]] = []

    class Engine(FakeEngine):
        async def load_model(self, model: Path, **how: Any) -> ModelInfo:
            loads.append(how["lora"])
            return await super().load_model(model, **how)

    runtime = FakeRuntime(Engine())
    runtime._lora = Runtime(Settings(lora=lora))._lora
    await runtime.load_model()
    await runtime.unload_model()
    file.write_bytes(b"changed")
    await runtime.load_model()
    await runtime.close()

    expected = (LoraAdapter(str(file), 0.5, digest),)
    assert loads == [expected, expected]
    assert await runtime.add_adapter_hashes_if_readable() == expected


async def test_adapters_go_with_their_model() -> None:
    """Another model has those that are named with it alone."""
    settings = Settings(model=Path("set.gguf"), lora=(LoraAdapter("a.gguf"),))
    other = LoraAdapter("b.gguf")

    assert await Runtime(settings).add_adapter_hashes_if_readable() == settings.lora
    assert await Runtime(settings, model=Path("m.gguf")).add_adapter_hashes_if_readable() == ()
    assert await Runtime(settings, lora=[]).add_adapter_hashes_if_readable() == ()
    named = Runtime(settings, model=Path("m.gguf"), lora=[other])
    assert await named.add_adapter_hashes_if_readable() == (other,)


async def test_what_is_not_as_asked_for_is_a_notice_once() -> None:
    """A model that was loaded otherwise says so when it is loaded, not with every turn."""
    note = "The memory that is free holds a context of 4,096 tokens, not 16,384."
    runtime = FakeRuntime(FakeEngine(info=replace(INFO, notes=(note,))))
    watching = runtime.watch_events_between_turns()

    await runtime.load_model()
    await runtime.load_model()
    await runtime.close()

    assert [e async for e in watching if isinstance(e, Notice)] == [Notice(note)]


def test_the_settings_reach_the_engine() -> None:
    """How keys and values are kept, what a full context leads to, and the memory check."""
    settings = Settings(
        kv_cache_type="q8_0",
        flash_attention="on",
        context_overflow="drop_oldest",
        check_memory=False,
    )

    with patch("rm_local.engine.client.Engine") as made:
        assert Runtime(settings).engine is made.return_value

    (options,) = made.call_args.args
    assert options == EngineOptions(
        kv_cache_type="q8_0",
        flash_attention="on",
        context_overflow="drop_oldest",
        check_memory=False,
        templates=str(templates_dir()),
    )


async def test_a_missing_store_is_reported_before_the_model_is_loaded() -> None:
    """Loading may take a minute; a wrong path is known at once."""
    engine = FakeEngine()
    error = StoreNotFoundError("There is no store.", "Name one.")
    (event,) = await events_of(FakeRuntime(engine, store_error=error))

    assert isinstance(event, Failed)
    assert event.exit_code == 4
    assert not engine.loads


async def test_a_plan_without_retrieval_needs_no_store() -> None:
    """The model by itself runs where there is no store."""
    error = StoreNotFoundError("There is no store.", "Name one.")
    events = await events_of(FakeRuntime(store_error=error), "direct")

    assert isinstance(events[-1], Answered)


async def test_the_model_is_loaded_once() -> None:
    """The second question finds it there."""
    engine = FakeEngine()
    runtime = FakeRuntime(engine)
    assert runtime.info is None
    await events_of(runtime, "direct")
    await events_of(runtime, "direct")

    assert engine.loads == [runtime.model]
    assert runtime.info == engine.info


async def test_a_model_that_died_is_loaded_again() -> None:
    """Nobody has to restart the app."""
    engine = FakeEngine()
    runtime = FakeRuntime(engine)
    await events_of(runtime, "direct")
    await engine.close()
    events = await events_of(runtime, "direct")

    assert isinstance(events[-1], Answered)
    assert len(engine.loads) == 2


async def test_an_idle_model_gives_its_memory_back() -> None:
    """Its process ends after the settings' minutes; the next question starts it again."""
    engine = FakeEngine()
    runtime = FakeRuntime(engine, settings=Settings(idle_unload_minutes=1e-6))
    watching = runtime.watch_events_between_turns()
    await events_of(runtime, "direct")
    assert await anext(watching) == ModelUnloaded()

    assert engine.closed
    assert runtime.info is None
    assert isinstance((await events_of(runtime, "direct"))[-1], Answered)
    assert len(engine.loads) == 2
    await runtime.close()


async def test_a_turn_that_is_read_is_not_idle() -> None:
    """However long the face takes over an event, and after it was left in the middle."""
    runtime = FakeRuntime(FakeEngine())
    turn = runtime.solve("4 + 4?", PLANS["direct"])
    async for _ in turn:
        assert not runtime.idle.is_running
        break
    assert not runtime.idle.is_running
    await turn.aclose()

    assert runtime.idle.is_running
    await runtime.close()
    assert not runtime.idle.is_running


async def test_an_empty_question_opens_nothing() -> None:
    """It is refused first."""
    engine = FakeEngine()
    (event,) = await events_of(FakeRuntime(engine), question=" ")

    assert isinstance(event, Failed)
    assert event.exit_code == 2
    assert not engine.loads


async def test_a_stop_while_the_model_loads_ends_the_turn() -> None:
    """Esc does not wait for the disk."""
    control = TurnControl()

    class Slow(FakeEngine):
        async def load_model(self, *_: object, **__: object) -> ModelInfo:
            control.stop()
            await TurnControl()._event.wait()
            raise ModelNotFoundError("Unreachable.")

    *_, event = await events_of(FakeRuntime(Slow()), "direct", control=control)

    assert isinstance(event, Failed)
    assert event.exit_code == 130


async def test_loading_is_part_of_the_turn_that_needs_the_model() -> None:
    """In order, before the turn's own events, and not also to those who watch."""
    runtime = FakeRuntime()
    watching = runtime.watch_events_between_turns()
    events = await events_of(runtime)
    again = await events_of(runtime)
    await runtime.close()

    assert loaded(events) == [0.0, 0.5, 1.0]
    assert all(isinstance(event, ModelLoading) for event in events[:3])
    assert loaded(again) == []
    assert [event async for event in watching] == []


async def test_loading_between_turns_is_reported_to_all_watchers() -> None:
    """To all of them."""
    runtime = FakeRuntime()
    watching = [runtime.watch_events_between_turns(), runtime.watch_events_between_turns()]
    await runtime.load_model()
    await runtime.close()

    for events in watching:
        assert loaded([event async for event in events]) == [0.0, 0.5, 1.0]


async def test_a_notice_is_given_out_once() -> None:
    """With the turn during which it is reported, or the first after it; never again."""
    runtime = FakeRuntime()
    runtime.publish_notice_once("A folder cannot be written.")
    runtime.publish_notice_once("A folder cannot be written.")
    events = await events_of(runtime)
    runtime.publish_notice_once("A folder cannot be written.")
    again = await events_of(runtime)
    runtime.publish_notice_once("Another one.")
    watching = runtime.watch_events_between_turns()
    await runtime.close()

    assert [e for e in events if isinstance(e, Notice)] == [Notice("A folder cannot be written.")]
    assert not [event for event in again if isinstance(event, Notice)]
    assert [event async for event in watching] == [Notice("Another one.")]


async def test_turns_are_solved_one_after_another() -> None:
    """In the order in which they were asked; none begins before the one before it has ended."""
    engine = FakeEngine()
    runtime = FakeRuntime(engine)
    order: list[int] = []

    async def ask(number: int) -> None:
        async for _ in runtime.solve(f"{number} + {number}?", PLANS["direct"]):
            order.append(number)

    await asyncio.gather(*(ask(number) for number in (1, 2, 3)))

    assert [messages[-1].content for messages in engine.turns] == ["1 + 1?", "2 + 2?", "3 + 3?"]
    assert order == sorted(order)
    await runtime.close()


async def test_a_turn_that_waits_is_stopped_at_once() -> None:
    """The turn before it does not have to end first, and the next one is solved after it."""
    runtime, control = FakeRuntime(), TurnControl()
    first = runtime.solve("4 + 4?", PLANS["direct"])
    await anext(first)
    waiting = asyncio.ensure_future(events_of(runtime, "direct", control=control))
    third = asyncio.ensure_future(events_of(runtime, "direct"))
    await asyncio.sleep(0)
    assert not waiting.done()
    control.stop()
    (stopped,) = await waiting
    assert not third.done()
    await first.aclose()

    assert isinstance(stopped, Failed)
    assert stopped.exit_code == CancelledByUserError.exit_code
    assert isinstance((await third)[-1], Answered)
    await runtime.close()


async def test_a_turn_that_is_cancelled_while_it_waits_blocks_nobody() -> None:
    """Whoever waited after it is next."""
    runtime = FakeRuntime()
    first = runtime.solve("4 + 4?", PLANS["direct"])
    await anext(first)
    waiting = asyncio.ensure_future(events_of(runtime, "direct"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert waiting.cancelled()
    await first.aclose()

    assert isinstance((await events_of(runtime, "direct"))[-1], Answered)
    await runtime.close()


async def test_a_turn_that_waits_is_not_idle() -> None:
    """The model stays while a turn waits for another."""
    runtime = FakeRuntime(settings=Settings(idle_unload_minutes=60))
    first = runtime.solve("4 + 4?", PLANS["direct"])
    await anext(first)
    waiting = asyncio.ensure_future(events_of(runtime, "direct"))
    await asyncio.sleep(0)
    assert not runtime.idle.is_running
    await first.aclose()
    assert not runtime.idle.is_running
    await waiting
    assert runtime.idle.is_running
    await runtime.close()


async def test_a_turn_that_is_left_while_the_model_loads_leaves_the_way_free() -> None:
    """Its loading is cancelled, and the next turn loads the model itself."""
    engine = FakeEngine(loading=asyncio.Event())
    runtime = FakeRuntime(engine)
    turn = runtime.solve("4 + 4?", PLANS["direct"])
    assert await anext(turn) == ModelLoading(0.0)
    await turn.aclose()
    engine.loading = None

    assert isinstance((await events_of(runtime, "direct"))[-1], Answered)
    await runtime.close()


async def test_a_model_that_takes_single_questions_gets_no_history() -> None:
    """Its template has no place for it."""
    history = (Message("user", "4 + 4?"), Message("assistant", "8"))
    for converses, messages in ((True, 3), (False, 1)):
        engine = FakeEngine(info=replace(INFO, converses=converses))
        await events_of(FakeRuntime(engine), "direct", history=history)
        assert [len(turn) for turn in engine.turns] == [messages]


def modules_after(code: str, names: Sequence[str]) -> set[str]:
    """Which of the modules a fresh process holds once it has run `code`."""
    probe = f"import sys\n{code}\nprint(*[n for n in {list(names)!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_runtime_is_cheap() -> None:
    """Numbers, SQLite and models are imported when they are used."""
    heavy = ["numpy", "apsw", "sqlite_vec", "zstandard", "llama_cpp", "torch", "gguf", "textual"]

    assert modules_after("import rm_local.runtime, rm_local.sessions", heavy) == set()


@pytest.mark.parametrize("name", ["rm_local.loop.retrieve", "rm_local.loop.solver"])
def test_the_loop_holds_no_model_and_no_database(name: str) -> None:
    """The rooms below are handed in."""
    assert modules_after(f"import {name}", ["apsw", "llama_cpp", "torch"]) == set()
