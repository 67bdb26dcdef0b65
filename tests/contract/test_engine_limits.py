"""A real worker at its limits: how the cache is kept, a full context, and memory that is short."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.branches import (
    BranchEnded,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    TokenChunk,
)
from rm_local.engine.client import Engine
from rm_local.engine.placement import requirements
from rm_local.engine.protocol import Message
from rm_local.errors import (
    ContextAllocationError,
    ContextOverflowError,
    EngineError,
    InsufficientMemoryError,
)
from rm_local.gguf import split_files
from rm_local.options import EngineOptions, FlashAttention, Precision
from rm_local.paths import shipped_model
from tests.support import tiny_gguf
from tests.support.engines import GREEDY, QUESTION, grown, killed_loading

Make = Callable[..., Engine]
LONG = "What is the sum of the even numbers from two to twenty, and why is it so? " * 4


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Any]:
    """An engine with the settings given."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[Engine]:
        async with Engine(
            EngineOptions(threads=1, **settings), log=tmp_path / "worker.log"
        ) as engine:
            yield engine

    return made


def talk(turns: int) -> list[Message]:
    """A conversation of so many earlier turns, and a question."""
    earlier = [
        message
        for n in range(turns)
        for message in (Message("user", f"{n}: {LONG}"), Message("assistant", f"It is {n}. {LONG}"))
    ]
    return [Message("system", "Be brief."), *earlier, *QUESTION]


async def all_of(
    engine: Engine, spec: BranchSpec
) -> tuple[list[ContextOverflowReport], list[ContextUsage], BranchEnded]:
    """What a single branch and its context report."""
    rooms: list[ContextOverflowReport] = []
    usages: list[ContextUsage] = []
    async for event in engine.generate_branches([spec]):
        if isinstance(event, ContextOverflowReport):
            rooms.append(event)
        elif isinstance(event, ContextUsage):
            usages.append(event)
        elif isinstance(event, BranchEnded):
            ended = event
        else:
            assert isinstance(event, TokenChunk | EvaluatedTokenCounts)
    return rooms, usages, ended


@pytest.mark.parametrize(
    ("kv", "flash"), [("f16", "off"), ("f16", "on"), ("q8_0", "auto"), ("q5_1", "on")]
)
async def test_a_cache_of_another_kind_answers_alike(
    make: Any, kv: Precision, flash: FlashAttention
) -> None:
    """Its bytes are those estimated beforehand, and the first greedy words are the same."""
    model = shipped_model()
    async with make() as usual, make(kv_cache_type=kv, flash_attention=flash) as other:
        texts = []
        for engine in (usual, other):
            info = await engine.load_model(model, context=1024)
            await engine.open_turn(QUESTION)
            texts.append((await grown(engine, [BranchSpec("Okay,", 0, 12, GREEDY)]))[0][0])

    assert (info.kv, info.flash_attention) == (kv, flash != "off")
    need = requirements.estimate_memory(
        split_files.read_headers_of_existing_parts(model), 1024, kv=kv
    )
    assert info.cache == pytest.approx(need.cache, abs=20_000)
    if kv in ("f16", "q8_0"):
        assert texts[0]["thinking"][:20] == texts[1]["thinking"][:20]


async def test_heads_too_small_for_a_kind_of_cache_are_an_error(make: Any, tiny: Path) -> None:
    """An error that names what to set; the worker continues."""
    async with make(kv_cache_type="q8_0") as engine:
        with pytest.raises(EngineError, match="cannot be stored in this type") as caught:
            await engine.load_model(tiny)
        assert 'kv_cache_type = "f16"' in caught.value.remedy
        assert engine.worker_pid


async def test_the_count_is_true_for_branches_that_share(engine: Engine, tiny: Path) -> None:
    """Prompt and hint once, what each wrote apart; the longest alone is less."""
    info = await engine.load_model(tiny)
    prompt = (await engine.open_turn(QUESTION)).tokens
    hint = "the thing in the thing " * 20
    specs = [BranchSpec(hint, seed, 30, endless=True) for seed in range(4)]
    usages = [
        event async for event in engine.generate_branches(specs) if isinstance(event, ContextUsage)
    ]

    forced = await engine.count_tokens(hint)
    assert usages[0].used >= prompt + forced - 1
    last = max(usages, key=lambda usage: usage.used)
    assert prompt + forced + 4 * 28 <= last.used <= prompt + forced + 4 * 30
    assert prompt + forced + 29 <= last.longest <= prompt + forced + 31
    assert last.context == info.context


async def test_a_branch_that_fills_the_context_stops_and_says_so(make: Any, tiny: Path) -> None:
    """Unless the user wishes otherwise."""
    async with make() as engine:
        await engine.load_model(tiny, context=256)
        await engine.open_turn(QUESTION)
        rooms, usages, ended = await all_of(engine, BranchSpec("", 0, 9999, endless=True))

    assert (ended.stop, rooms) == ("context", [])
    assert usages[-1].longest == usages[-1].context == 256


async def test_a_branch_that_fills_the_context_gets_a_larger_one(make: Any, tiny: Path) -> None:
    """Doubled, again and again, up to what the model was trained for; its text is the same as in
    a context that was so large at once."""
    spec = BranchSpec("", 0, 700, GREEDY, endless=True)
    texts = []
    async with make(context_overflow="grow") as engine:
        for context in (256, 2048):
            await engine.load_model(tiny, context=context)
            await engine.open_turn(QUESTION)
            texts.append((await grown(engine, [spec]))[0][0])
        await engine.load_model(tiny, context=256)
        await engine.open_turn(QUESTION)
        rooms, _, ended = await all_of(engine, BranchSpec("", 0, 9999, endless=True))

        assert texts[0] == texts[1]
        assert [room.context for room in rooms] == [512, 1024, 2048, 2048]
        assert "from 256 to 512" in rooms[0].message
        assert "trained for 2,048" in rooms[-1].message
        assert ended.stop == "context"
        assert engine.info
        assert engine.info.context == 2048


async def test_branches_side_by_side_outgrow_their_context(make: Any, tiny: Path) -> None:
    """All write on where they were, to their own ends, from the same beginning."""
    specs = [BranchSpec("hint " * n, n, 400, endless=True) for n in range(3)]
    texts = []
    async with make(context_overflow="grow") as engine:
        for context in (256, 2048):
            await engine.load_model(tiny, context=context)
            await engine.open_turn(QUESTION)
            texts.append(await grown(engine, specs))

    assert [end.tokens for end in texts[0][1]] == [400] * 3
    for small, large in zip(texts[0][0], texts[1][0], strict=True):
        assert small["thinking"][:40] == large["thinking"][:40]


@pytest.mark.parametrize("overflow", ["drop_oldest", "grow"])
async def test_a_conversation_that_is_too_long_is_opened(
    make: Any, tiny: Path, overflow: str
) -> None:
    """Its oldest turns are left out and named, or the context grows; either is reported."""
    rooms: list[ContextOverflowReport] = []
    async with make(context_overflow=overflow) as engine:
        await engine.load_model(tiny, context=1024)
        tokens = (await engine.open_turn(talk(3), on_overflow=rooms.append)).tokens
        _, _, ended = await all_of(engine, BranchSpec("", 0, 20, endless=True))

    (room,) = rooms
    assert ended.tokens == 20
    if overflow == "drop_oldest":
        assert (room.dropped, room.context) == (2, 1024)
        assert "the 2 oldest turns were left out" in room.message
        assert '"0: What is the sum' in room.message
        assert tokens <= 768
    else:
        assert (room.dropped, room.context) == (0, 2048)


async def test_turns_are_dropped_while_branches_write(make: Any, tiny: Path) -> None:
    """The branch continues without the oldest turn, and ends when no turn is left."""
    async with make(context_overflow="drop_oldest") as engine:
        info = await engine.load_model(tiny, context=1024)
        prompt = (await engine.open_turn(talk(1))).tokens
        rooms, _, ended = await all_of(engine, BranchSpec("", 0, 9999, endless=True))
        alone = (await engine.open_turn(talk(0))).tokens

    assert [room.dropped for room in rooms] == [1]
    assert ended.stop == "context"
    assert ended.tokens > info.context - prompt
    assert ended.tokens == info.context - alone


@pytest.mark.parametrize("overflow", ["drop_oldest", "grow"])
@pytest.mark.parametrize("kind", ["hybrid", "recurrent"])
async def test_models_that_cannot_go_back_make_room_too(
    make: Any, request: pytest.FixtureRequest, kind: str, overflow: str
) -> None:
    """Hybrid and recurrent ones: the branch continues, and so does the next turn."""
    path = request.getfixturevalue(kind)
    async with make(context_overflow=overflow) as engine:
        await engine.load_model(path, context=512)
        prompt = (
            await engine.open_turn(
                [Message("user", "one? " * 20), Message("assistant", "1"), *QUESTION]
            )
        ).tokens
        rooms, _, ended = await all_of(engine, BranchSpec("", 0, 600, endless=True))
        assert (await engine.open_turn(QUESTION)).tokens > 0

    assert rooms
    assert ended.tokens > 512 - prompt


@pytest.mark.parametrize("overflow", ["stop", "drop_oldest", "grow"])
async def test_a_question_that_never_fits_is_refused(make: Any, tiny: Path, overflow: str) -> None:
    """In numbers, and with what was tried; the engine takes the next turn."""
    async with make(context_overflow=overflow) as engine:
        await engine.load_model(tiny, context=512)
        with pytest.raises(ContextOverflowError, match="needs") as caught:
            await engine.open_turn([Message("user", LONG * 40)])
        helps = "Ask a shorter question, or choose a model with a larger context."
        assert caught.value.remedy == helps  # no setting makes room for it
        assert (await engine.open_turn(QUESTION)).tokens > 0


async def test_a_context_beyond_the_memory_is_refused_before_it_is_allocated(
    make: Any, tmp_path: Path
) -> None:
    """With what is needed, what is free and what fits; then that loads."""
    wide = tiny_gguf.Shape(width=1024, layers=24, heads=8, inner=64, context=1 << 20)
    path = tiny_gguf.write(tmp_path / "wide.gguf", wide)
    async with make() as engine:
        with pytest.raises(InsufficientMemoryError, match="1,048,576 tokens") as caught:
            await engine.load_model(path, context=1 << 20)
        assert "are free" in caught.value.message
        assert "`context = " in caught.value.remedy
        assert engine.info is None
        assert (await engine.load_model(path, context=512)).context == 512


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
async def test_a_context_that_llama_cpp_cannot_allocate_is_an_error(make: Any, tiny: Path) -> None:
    """Without the check before: an error in words, and a smaller context loads."""
    import resource

    async with make(check_memory=False) as engine:
        await engine.load_model(tiny)
        assert engine.worker_pid
        limit = 4 << 30
        resource.prlimit(engine.worker_pid, resource.RLIMIT_AS, (limit, limit))
        with pytest.raises(
            ContextAllocationError, match="no room for a context of 16,777,216 tokens"
        ):
            await engine.load_model(tiny, context=1 << 24)
        assert (await engine.load_model(tiny, context=512)).context == 512


async def test_a_worker_killed_while_it_loads_names_the_settings_to_change(
    make: Any, large: Path
) -> None:
    """As the kernel does when memory is short: what to set is said, and the app loads again."""
    async with make() as engine:
        error = await killed_loading(engine, large)
        assert "could not be loaded" in error.message
        assert "out of memory" in error.message
        assert "smaller `context`" in error.remedy
        assert (await engine.load_model(large, context=512)).context == 512
