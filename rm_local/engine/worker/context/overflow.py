"""Makes room in a full context, in the way that the setting `context_overflow` states."""

from __future__ import annotations

from rm_local.engine import context_policy
from rm_local.engine.branches import ContextOverflowReport
from rm_local.engine.worker.context.prompt import Conversation
from rm_local.engine.worker.llama.kv_cache import KVCache
from rm_local.engine.worker.llama.loading import LoadPlan
from rm_local.errors import EngineError
from rm_local.text import one_line

_MAX_QUESTION = 60
"""Maximum characters of a dropped turn's question in a message to the user."""


class ContextOverflowHandler:
    """Makes room in a full context during one turn: drops old turns, or enlarges the context.

    After a failure it does not try again.
    """

    def __init__(self, conversation: Conversation, cache: KVCache, load_plan: LoadPlan) -> None:
        self.failure = ""
        """Why no more room can be made, as a sentence; empty until an attempt has failed."""
        self._conversation = conversation
        self._cache = cache
        self._load_plan = load_plan

    def try_to_make_room_and_report(self, tokens: int) -> ContextOverflowReport | None:
        """Make room for more tokens after a prompt or branch of `tokens` tokens.

        Return the event to send: the prompt was shortened, the cache was enlarged and emptied, or
        enlarging it failed. None if nothing was done.
        """
        if self._load_plan.context_overflow == "stop" or self.failure:
            return None
        if self._load_plan.context_overflow == "drop_oldest":
            return self._try_to_drop_turns_until_room(tokens - len(self._conversation.tokens))
        return self._try_to_enlarge_and_empty_context(tokens)

    def _try_to_drop_turns_until_room(self, others: int) -> ContextOverflowReport | None:
        """Drop the oldest turns until there is room after the prompt and `others` more tokens.

        Return the event about the dropped turns; None if no turn could be dropped. If no turn is
        left before there is room, `failure` is set.
        """
        before, context = self._conversation.dropped, self._cache.capacity
        while not context_policy.leaves_quarter_free(
            len(self._conversation.tokens) + others, context
        ):
            if not self._conversation.drop_oldest_turn():
                self.failure = "No earlier turn can be left out."
                break
        dropped = self._conversation.dropped_questions[before:]
        return self._make_overflow_report(_describe_dropped_turns(dropped)) if dropped else None

    def _try_to_enlarge_and_empty_context(self, tokens: int) -> ContextOverflowReport:
        """Enlarge the cache, which empties it; return the event about it, or about the failure."""
        before = self._cache.capacity
        try:
            context = self._load_plan.choose_larger_context(before, tokens)
            self._cache.resize_and_empty_context(context)
        except EngineError as error:
            self.failure = f"The context cannot be enlarged: {error.message}"
            return self._make_overflow_report(self.failure)
        return self._make_overflow_report(
            f"The context was full: it was enlarged from {before:,} to "
            f"{self._cache.capacity:,} tokens, and its text is read again."
        )

    def _make_overflow_report(self, message: str) -> ContextOverflowReport:
        return ContextOverflowReport(message, self._conversation.dropped, self._cache.capacity)


def _describe_dropped_turns(questions: tuple[str, ...]) -> str:
    count = len(questions)
    turns = "the oldest turn was" if count == 1 else f"the {count} oldest turns were"
    shown = "; ".join(f'"{one_line(question, _MAX_QUESTION)}"' for question in questions)
    return f"The context was full: {turns} left out of what the model reads: {shown}."
