"""Shortens hints to the free part of the context, so that no long hint fails the turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from rm_local.loop import prompts
from rm_local.loop.events import HintCut
from rm_local.loop.hint_placement import place_hint, uses_cue
from rm_local.loop.subproblem import find_sentence_ends
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit

MIN_HINT_TOKENS = 32
"""Minimum number of tokens of a shortened hint."""
WRITING_DIVISOR = 4
"""Divisor of the context: a quarter of it, or the budget of a branch if that is less, is reserved
for output."""
MAX_TOKEN_CHARS = 32
"""Upper bound of the mean number of characters per token; longer text is not tokenized."""


Count = Callable[[Hit | None], Awaitable[int]]


async def fit_hints(turn: TurnContext, subproblem: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Select and shorten the hits for the branches, at most one hit for each branch.

    The context is enlarged, or old turns are dropped, if the settings allow it. A hint that is
    still too long is cut at the end of a sentence. A hint without text, or without a useful part
    that fits, is left out. Emits
    `HintCut` and `ContextAdjusted`.

    Raises:
        EngineError: The model failed.
    """
    plan, engine = turn.plan, turn.engine
    count = partial(_count_tokens, turn, subproblem)
    bare = await count(None)
    whole: dict[int, int] = {}
    for hit in hits:
        if has_text(hit):
            whole[hit.entry.id] = await count(hit)
    context = engine.info.context if engine.info else 0
    writing = min(plan.max_tokens, context // WRITING_DIVISOR)
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
        cut = await _cut_hint(count, hit, most) if tokens > most else None
        kept = await count(cut) - bare if cut else 0
        if cut and kept >= MIN_HINT_TOKENS:
            fitted.append(cut)
        kept = kept if kept >= MIN_HINT_TOKENS else 0
        turn.events.emit(_make_hint_cut(hit, tokens - bare, kept, most - bare))
    return tuple(fitted)


def has_text(hit: Hit) -> bool:
    """Whether the subroutine has a visible character."""
    return any(each.isprintable() and not each.isspace() for each in hit.entry.subroutine)


async def _count_tokens(turn: TurnContext, subproblem: str, hit: Hit | None) -> int:
    """Count the tokens that a branch reads for a hit; for None, those of the text around a hint."""
    if hit is None and not uses_cue(turn.plan, turn.engine.info):
        return await turn.engine.count_tokens(prompts.hint_note("", "", turn.question))
    return await turn.engine.count_tokens(place_hint(turn, subproblem, hit).text)


async def _cut_hint(count: Count, hit: Hit, most: int) -> Hit | None:
    """Shorten the hit's subroutine to the first sentences that fit; None if they are too short."""
    text = hit.entry.subroutine[: max(0, most) * MAX_TOKEN_CHARS]
    parts = [text[:end] for end in find_sentence_ends(text)]
    fits, above = 0, len(parts) + 1
    while above - fits > 1:
        middle = (fits + above) // 2
        part = _replace_subroutine(hit, parts[middle - 1])
        if await count(part) <= most:
            fits = middle
        else:
            above = middle
    return _replace_subroutine(hit, parts[fits - 1]) if fits else None


def _replace_subroutine(hit: Hit, subroutine: str) -> Hit:
    return replace(hit, entry=replace(hit.entry, subroutine=subroutine))


def _make_hint_cut(hit: Hit, tokens: int, kept: int, left: int) -> HintCut:
    id = hit.entry.id
    if not tokens:
        return HintCut(id, f"Entry {id} holds no text: it is left out.", 0, 0)
    needs = f"The hint of entry {id} needs {tokens:,} tokens; there is room for {max(0, left):,}"
    does = f"it ends at a sentence, after {kept:,}" if kept else "it is left out"
    return HintCut(id, f"{needs}: {does}.", tokens, kept)
