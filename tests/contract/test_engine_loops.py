"""Branches that write the same over and over, on the real worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rm_local.engine import BranchEnded, BranchSpec, Engine, Message, SamplingParameters, TokenChunk
from rm_local.options import EngineOptions

LOOP = BranchSpec(
    "",
    1,
    900,
    SamplingParameters(temperature=0),
    grammar='root ::= ("It is the same as before. ")*',
)
"""Nothing but one sentence can be written, and seldom an end."""
FREE = BranchSpec("", 1, 60, SamplingParameters(temperature=0))


@asynccontextmanager
async def engine_of(model: Path, log: Path, **options: object) -> AsyncIterator[Engine]:
    """The model loaded with these options, a turn open."""
    settings = EngineOptions(threads=1, context=2048, **options)  # type: ignore[arg-type]
    async with Engine(settings, log=log) as engine:
        await engine.load_model(model)
        await engine.open_turn([Message("user", "Say it again.")], thinking=False)
        yield engine


async def grown(engine: Engine, *specs: BranchSpec) -> tuple[list[str], list[BranchEnded]]:
    """Text and end of each branch."""
    texts = [""] * len(specs)
    ends: dict[int, BranchEnded] = {}
    async for event in engine.generate_branches(specs):
        if isinstance(event, TokenChunk):
            texts[event.branch] += event.text
        elif isinstance(event, BranchEnded):
            ends[event.branch] = event
    return texts, [ends[n] for n in range(len(specs))]


@pytest.mark.parametrize("end_loops", [True, False])
async def test_a_loop_is_ended_unless_it_is_allowed(
    nano: Path, tmp_path: Path, end_loops: bool
) -> None:
    """The sentence is written some times more than once; other branches continue."""
    async with engine_of(nano, tmp_path / "log", end_loops=end_loops) as engine:
        texts, ends = await grown(engine, LOOP, FREE)

    assert texts[0].startswith("It is the same as before. It is")
    assert ends[1].stop in ("end", "length")
    # Forced by a grammar, the model cuts the same words in several ways before it settles on one.
    assert (ends[0].stop == "repeating") == end_loops
    assert (ends[0].tokens < LOOP.max_tokens // 2) == end_loops


@pytest.mark.parametrize("options", [{"repeat_penalty": 1.9}, {"dry": 5.0}])
async def test_penalties_change_what_is_drawn(
    nano: Path, tmp_path: Path, options: dict[str, float]
) -> None:
    """Greedy text differs from that without them, and is the same again with the same ones."""
    long = BranchSpec("", 1, 200, SamplingParameters(temperature=0), endless=True)
    async with engine_of(nano, tmp_path / "plain") as engine:
        plain = await grown(engine, long)
    async with engine_of(nano, tmp_path / "log", **options) as engine:
        first, again = await grown(engine, long), await grown(engine, long)

    assert first[0] != plain[0]
    assert first[0] == again[0]
