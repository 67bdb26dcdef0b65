"""Selects and shortens hints so that each branch has room for its hint and its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from rm_local.loop import prompts
from rm_local.loop.events import HintCutOrLeftOut
from rm_local.loop.hint_placement import build_hint_text, puts_cue_and_hint_in_output
from rm_local.loop.subproblem import find_sentence_ends
from rm_local.loop.turn_context import TurnContext
from rm_local.records import EntryKey, Hit

MIN_HINT_TOKENS = 32
"""Minimum number of tokens of a shortened hint; a shorter one is left out."""
WRITING_DIVISOR = 4
"""Divisor of the context's size: this part of it, or the token budget of a branch if that is less,
is reserved for the text of a branch."""
MAX_TOKEN_CHARS = 32
"""Assumed maximum of characters per token: text beyond it cannot fit and is not tokenized."""


Count = Callable[[Hit | None], Awaitable[int]]


async def make_room_and_fit_hints(
    turn: TurnContext, subproblem: str, hits: Sequence[Hit]
) -> tuple[Hit, ...]:
    """Return the hits whose hints fit the context, shortened if needed; at most plan.samples.

    The context is enlarged, or old turns are dropped, if the settings allow it. A hint that is
    still too long is cut at the end of a sentence. A hint without text, or of which less than
    MIN_HINT_TOKENS would fit, is left out. Emits `HintCutOrLeftOut` and `ContextOverflowReport`.

    Raises:
        EngineError: The model failed.
    """
    plan, engine = turn.plan, turn.engine
    count = partial(_count_hint_text_tokens, turn, subproblem)
    bare = await count(None)
    whole: dict[EntryKey, int] = {}
    for hit in hits:
        if has_visible_subroutine(hit):
            whole[hit.key] = await count(hit)
    context = engine.info.context if engine.info else 0
    writing = min(plan.max_tokens, context // WRITING_DIVISOR)
    free = await engine.make_room_and_count_free_tokens(
        [*whole.values()], writing, on_overflow=turn.events.emit
    )
    most = free - min(writing, free // 2)
    fitted: list[Hit] = []
    for hit in hits:
        if len(fitted) == plan.samples:
            break
        tokens = whole.get(hit.key, bare)
        if tokens != bare and tokens <= most:
            fitted.append(hit)
            continue
        cut = await _cut_hint_at_sentence(count, hit, most) if tokens > most else None
        kept = await count(cut) - bare if cut else 0
        if cut and kept >= MIN_HINT_TOKENS:
            fitted.append(cut)
        kept = kept if kept >= MIN_HINT_TOKENS else 0
        turn.events.emit(_make_hint_cut_event(hit, tokens - bare, kept, most - bare))
    return tuple(fitted)


def has_visible_subroutine(hit: Hit) -> bool:
    """Return whether the hit's subroutine has any visible character."""
    return any(each.isprintable() and not each.isspace() for each in hit.entry.subroutine)


async def _count_hint_text_tokens(turn: TurnContext, subproblem: str, hit: Hit | None) -> int:
    """Count the tokens that a branch reads for its hint; for None, those of the text around it."""
    if hit is None and not puts_cue_and_hint_in_output(turn.plan, turn.engine.info):
        return await turn.engine.count_tokens(
            prompts.format_hint_for_user_message("", "", turn.question)
        )
    return await turn.engine.count_tokens(build_hint_text(turn, subproblem, hit).text)


async def _cut_hint_at_sentence(count: Count, hit: Hit, most: int) -> Hit | None:
    """Cut the hit's subroutine after the last sentence with which it has at most `most` tokens.

    None if not even its first sentence fits.
    """
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
    """Return a copy of the hit with another text of its entry's subroutine."""
    return replace(hit, entry=replace(hit.entry, subroutine=subroutine))


def _make_hint_cut_event(hit: Hit, tokens: int, kept: int, left: int) -> HintCutOrLeftOut:
    """Create the event for a hint of `tokens`, of which `kept` are used; `left` would fit."""
    id, store = hit.entry.id, hit.store
    if not tokens:
        return HintCutOrLeftOut(id, f"Entry {hit.key} holds no text: it is left out.", 0, 0, store)
    needs = (
        f"The hint of entry {hit.key} needs {tokens:,} tokens; there is room for {max(0, left):,}"
    )
    does = f"it ends at a sentence, after {kept:,}" if kept else "it is left out"
    return HintCutOrLeftOut(id, f"{needs}: {does}.", tokens, kept, store)
