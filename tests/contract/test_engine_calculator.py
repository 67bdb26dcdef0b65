"""The calculator on the real worker, with SmolLM2 continuing a list of calculations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine import BranchEnded, BranchSpec, Engine, TokenChunk
from tests.support.engines import GREEDY, QUESTION
from tests.support.smollm2 import require_smollm2

EXAMPLES = "Steps: <<2*3=6>> <<40+5=45>> <<9-2=7>> <<12*12"
SPEC = BranchSpec(EXAMPLES, 1, 10, GREEDY, logprobs=1, calculator=True)


async def generate(
    engine: Engine, *specs: BranchSpec
) -> tuple[list[list[TokenChunk]], list[BranchEnded]]:
    """Chunks and end of each branch."""
    chunks: list[list[TokenChunk]] = [[] for _ in specs]
    ends: dict[int, BranchEnded] = {}
    async for event in engine.generate_branches(specs):
        if isinstance(event, TokenChunk):
            chunks[event.branch].append(event)
        elif isinstance(event, BranchEnded):
            ends[event.branch] = event
    return chunks, [ends[n] for n in range(len(specs))]


def text_of(chunks: list[TokenChunk], *, forced: bool | None = None) -> str:
    """What was written, or forced, or both."""
    return "".join(chunk.text for chunk in chunks if forced in (None, chunk.forced))


async def test_a_value_is_forced_and_the_model_continues_after_it(engine: Engine) -> None:
    """It continues as if the value had been in its prompt; other branches write what they would."""
    info = await engine.load_model(require_smollm2())
    await engine.open_turn(QUESTION, thinking=False)
    before = await engine.get_stats()
    after_examples = replace(SPEC, forced=f"{EXAMPLES}=144>>", max_tokens=9, calculator=False)
    other = replace(SPEC, forced="Count: 1, 2, 3,", calculator=False)

    chunks, ends = await generate(engine, SPEC, other)
    after = await engine.get_stats()
    expected, _ = await generate(engine, after_examples)
    alone, _ = await generate(engine, other)

    assert not info.calculator, "its file does not say so; a branch may have it all the same"
    assert text_of(chunks[0]).startswith("=144>>")
    assert text_of(chunks[0], forced=True).startswith("144>>")
    # Blank lines at the beginning of what a branch writes are not shown.
    assert text_of(chunks[0])[len("=144>>") :].lstrip().startswith(text_of(expected[0])[:8])
    assert text_of(chunks[1]) == text_of(alone[0])
    assert (ends[0].tokens, len(ends[0].logprobs), ends[1].forced) == (10, 10, 0)
    assert after.calculated - before.calculated == ends[0].forced > 0
    assert after.written - before.written == ends[0].tokens + ends[1].tokens


@pytest.mark.parametrize("family", ["hybrid", "recurrent", "tiny"])
async def test_every_kind_of_cache_takes_a_value(
    engine: Engine, family: str, request: pytest.FixtureRequest
) -> None:
    """Branches that read several tokens in a batch stand next to those that read one."""
    model: Path = request.getfixturevalue(family)
    await engine.load_model(model)
    await engine.open_turn(QUESTION)
    spec = BranchSpec("<<12*12", 1, 12, GREEDY, calculator=True, grammar="")

    _, ends = await generate(engine, spec, replace(spec, forced="x", seed=2))

    assert [end.stop in ("end", "length") for end in ends] == [True, True]
