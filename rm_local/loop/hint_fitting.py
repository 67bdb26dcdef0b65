"""Hints are fitted into what is left of the context, so that a long one costs no other its turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from rm_local.loop import prompts
from rm_local.loop.events import HintCut
from rm_local.loop.hint_placement import cued, place_hint
from rm_local.loop.subproblem import sentence_ends
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit

USEFUL = 32
"""Tokens of a hint, at least, without which its beginning is not worth a branch."""
WRITING = 4
"""A quarter of the context, or the branch's budget, is kept for what a branch writes."""
TOKEN_LENGTH = 32
"""Characters of a token on average, at most: what follows them is not read."""


Count = Callable[[Hit | None], Awaitable[int]]


async def fit_hints(turn: TurnContext, subproblem: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits under which branches can reason, at most one for each sample.

    Room is made where the user allows it. A hint that is still too long is cut at the end of a
    sentence; one of which no useful part fits is left out, as is one without text. Emits `HintCut`
    and `ContextAdjusted`. Raises EngineError.
    """
    plan, engine = turn.plan, turn.engine
    count = partial(_count, turn, subproblem)
    bare = await count(None)
    whole: dict[int, int] = {}
    for hit in hits:
        if has_text(hit):
            whole[hit.entry.id] = await count(hit)
    context = engine.info.context if engine.info else 0
    writing = min(plan.max_tokens, context // WRITING)
    free = await engine.make_room([*whole.values()], writing, on_adjusted=turn.events.emit)
    most = free - min(writing, free // 2)
    fitted: list[Hit] = []
    for hit in hits:
        if len(fitted) == plan.samples:
            break
        tokens = whole.get(hit.entry.id, bare)
        if tokens != bare and tokens <= most:
            fitted.append(hit)
            continue
        cut = await _cut(count, hit, most) if tokens > most else None
        kept = await count(cut) - bare if cut else 0
        if cut and kept >= USEFUL:
            fitted.append(cut)
        kept = kept if kept >= USEFUL else 0
        turn.events.emit(_describe_cut(hit, tokens - bare, kept, most - bare))
    return tuple(fitted)


def has_text(hit: Hit) -> bool:
    """Whether there is anything in the subroutine to read."""
    return any(each.isprintable() and not each.isspace() for each in hit.entry.subroutine)


async def _count(turn: TurnContext, subproblem: str, hit: Hit | None) -> int:
    """Tokens that a branch reads besides the conversation; without a hint, those around one."""
    if hit is None and not cued(turn.plan, turn.engine.info):
        return await turn.engine.count_tokens(prompts.hint_note("", "", turn.question))
    return await turn.engine.count_tokens(place_hint(turn, subproblem, hit).text)


async def _cut(count: Count, hit: Hit, most: int) -> Hit | None:
    """The hit with the longest beginning of its subroutine, in whole sentences, that fits."""
    text = hit.entry.subroutine[: max(0, most) * TOKEN_LENGTH]
    parts = [text[:end] for end in sentence_ends(text)]
    fits, above = 0, len(parts) + 1
    while above - fits > 1:
        middle = (fits + above) // 2
        part = _with_text(hit, parts[middle - 1])
        if await count(part) <= most:
            fits = middle
        else:
            above = middle
    return _with_text(hit, parts[fits - 1]) if fits else None


def _with_text(hit: Hit, subroutine: str) -> Hit:
    return replace(hit, entry=replace(hit.entry, subroutine=subroutine))


def _describe_cut(hit: Hit, tokens: int, kept: int, left: int) -> HintCut:
    id = hit.entry.id
    if not tokens:
        return HintCut(id, f"Entry {id} holds no text: it is left out.", 0, 0)
    needs = f"The hint of entry {id} needs {tokens:,} tokens; there is room for {max(0, left):,}"
    does = f"it ends at a sentence, after {kept:,}" if kept else "it is left out"
    return HintCut(id, f"{needs}: {does}.", tokens, kept)
