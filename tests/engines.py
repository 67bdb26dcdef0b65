"""What the engine's tests ask of a real worker, and how they read its events."""

from __future__ import annotations

from rm_local.engine.client import Engine
from rm_local.engine.protocol import BranchSpec, Ended, Message, Room, Sampling, Usage

QUESTION = [Message("user", "What is the sum of the even numbers in a range?")]
GREEDY = Sampling(temperature=0)


async def grown(
    engine: Engine, specs: list[BranchSpec]
) -> tuple[list[dict[str, str]], list[Ended]]:
    """Each branch's text by part, and how it ended."""
    texts: list[dict[str, str]] = [{"thinking": "", "answer": ""} for _ in specs]
    ends: dict[int, Ended] = {}
    async for event in engine.grow(specs):
        if isinstance(event, Usage | Room):
            continue
        assert event.branch not in ends, "a branch says nothing after its end"
        if isinstance(event, Ended):
            ends[event.branch] = event
        else:
            texts[event.branch][event.part] += event.text
    return texts, [ends[index] for index in range(len(specs))]
