"""The steps of a turn that use the store: the gate, and the search."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from rm_local.engine import Message
from rm_local.errors import UsageError
from rm_local.loop.events import Formulated, GateDecided, GateReason, Retrieved
from rm_local.loop.interfaces import Retriever
from rm_local.loop.turn_context import TurnContext
from rm_local.records import EntryKey, Hit
from rm_local.text import one_line

NO_FLOOR = -1.0
"""Minimum similarity for a search that leaves out no hit: no similarity is lower."""


async def gate_and_choose_search_text(
    turn: TurnContext, question: str, history: Sequence[Message], retriever: Retriever | None
) -> str | None:
    """Decide whether the question gets hits; return the text to search for, or None for no hits.

    That text is the question. If a follow-up such as "And for 9 kg?" does not fit by itself, it is
    the previous question and this one. Under a plan whose `retrieval` is not "memory" nothing is
    decided: the question is returned, even if the plan does not search. Emits `GateDecided` if the
    question was compared with the store, or if the plan allows no hits.

    Raises:
        StoreError, EngineError: The search or the embedder failed.
        UsageError: The plan needs a store, but no store is open.
        CancelledByUserError: The user stopped the turn.
    """
    plan, overrides = turn.plan, turn.overrides
    if plan.retrieval != "memory":
        return question
    if plan.question_gate == "shut":
        turn.events.emit(GateDecided(False, "forced"))
        return None
    pinned = bool(overrides.pinned)
    opened = plan.question_gate == "open" or overrides.is_subproblem_by_user
    if opened or (pinned and not overrides.subproblem):
        return question
    # A turn that is run again uses the same query as before, whatever is pinned.
    began, store = perf_counter(), _require_retriever(turn, retriever)
    verdict = await turn.control.run_unless_stopped(store.judge_question(one_line(question)))
    earlier = [message.content for message in history if message.role == "user"]
    asked = question
    if earlier and not verdict.fits and not verdict.is_aside_or_store_empty:
        asked = f"{earlier[-1]} {question}"
        verdict = await turn.control.run_unless_stopped(store.judge_question(one_line(asked)))
    reason: GateReason = "fits" if verdict.fits else "forced" if pinned else "nothing_fits"
    seconds = perf_counter() - began
    turn.events.emit(GateDecided(verdict.fits or pinned, reason, seconds, verdict.probability))
    return asked if verdict.fits else question if pinned else None


async def retrieve_and_prepend_pinned_hits(
    turn: TurnContext, question: str, formulated: Formulated | None, retriever: Retriever | None
) -> tuple[Hit, ...]:
    """Search the store; return the pinned hits, then those found, at most plan.hints in all.

    Hits that the user dropped are left out; pinned hits are all kept. Emits `Retrieved`. Errors as
    in `gate_and_choose_search_text`.
    """
    plan, overrides = turn.plan, turn.overrides
    store = _require_retriever(turn, retriever)
    began = perf_counter()
    known = overrides.dropped | {hit.key for hit in overrides.pinned}
    search = _search_or_draw_hits(
        turn, one_line(question), formulated, store, plan.hints + len(known)
    )
    found = await turn.control.run_unless_stopped(search)
    # A hit without a store's name was found when one store was searched: now it can have one.
    fresh = [hit for hit in found if known.isdisjoint((hit.key, EntryKey("", hit.entry.id)))]
    hits = (*overrides.pinned, *fresh[: max(0, plan.hints - len(overrides.pinned))])
    turn.events.emit(Retrieved(hits, perf_counter() - began))
    return hits


async def _search_or_draw_hits(
    turn: TurnContext, question: str, formulated: Formulated | None, retriever: Retriever, k: int
) -> tuple[Hit, ...]:
    """Find at most `k` hits as the plan requires; a subproblem by the user is the whole query."""
    plan = turn.plan
    if plan.retrieval == "random":
        return await retriever.draw_random_hits(k, turn.overrides.seed)
    floor = (
        NO_FLOOR
        if plan.min_similarity is None and plan.question_gate == "open"
        else plan.min_similarity
    )
    named = formulated.subproblem if formulated else ""
    users = formulated is not None and formulated.author == "user"
    if plan.query == "question" and not users:
        return await retriever.search(question, k, floor, plan.max_score_gap)
    asked = question if plan.query == "both" and not users else ""
    return await retriever.search(named, k, floor, plan.max_score_gap, question=asked)


def _require_retriever(turn: TurnContext, retriever: Retriever | None) -> Retriever:
    """Return the retriever.

    Raises:
        UsageError: It is None: no store is open.
    """
    if retriever is None:
        message = f"The plan {turn.plan.name!r} needs a store."
        raise UsageError(message, "Name one with --store, or use the plan direct or length-vote.")
    return retriever
