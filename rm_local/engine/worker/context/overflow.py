"""Applies the user's context-overflow policy."""

from __future__ import annotations

from rm_local.engine import context_policy
from rm_local.engine.branches import ContextAdjusted
from rm_local.engine.worker.context.prompt import Conversation
from rm_local.engine.worker.llama.kv_cache import Cache
from rm_local.engine.worker.llama.loading import Plan
from rm_local.errors import EngineError
from rm_local.text import one_line

_SHOWN = 60
"""Characters of a question that is left out."""


class ContextAdjuster:
    """Makes room in a full context. One per turn; a policy that failed is not retried."""

    def __init__(self, talk: Conversation, cache: Cache, plan: Plan) -> None:
        self.in_vain = ""
        """Why no more room can be made; empty while that is not known."""
        self._talk = talk
        self._cache = cache
        self._plan = plan

    def make(self, tokens: int) -> ContextAdjusted | None:
        """Make room for branches after a prompt or branch of so many tokens.

        Afterwards the conversation's prompt is shorter or the cache is larger, and empty; or
        neither, and what is said is why. None when there is nothing to do or to say.
        """
        if self._plan.context_overflow == "stop" or self.in_vain:
            return None
        if self._plan.context_overflow == "drop_oldest":
            return self._drop(tokens - len(self._talk.tokens))
        return self._enlarge(tokens)

    def _drop(self, beside: int) -> ContextAdjusted | None:
        """Leave the oldest turns out until the prompt, and `beside` tokens, are comfortable."""
        before, context = self._talk.dropped, self._cache.capacity
        while not context_policy.comfortable(len(self._talk.tokens) + beside, context):
            if not self._talk.drop():
                self.in_vain = "No earlier turn is left to leave out."
                break
        left_out = self._talk.questions[before:]
        return self._told(_named(left_out)) if left_out else None

    def _enlarge(self, tokens: int) -> ContextAdjusted:
        before = self._cache.capacity
        try:
            context = self._plan.enlarged(before, tokens)
            self._cache.resize(context)
        except EngineError as error:
            self.in_vain = f"The context cannot be enlarged: {error.message}"
            return self._told(self.in_vain)
        return self._told(
            f"The context was full: it was enlarged from {before:,} to "
            f"{self._cache.capacity:,} tokens and is read again."
        )

    def _told(self, message: str) -> ContextAdjusted:
        return ContextAdjusted(message, self._talk.dropped, self._cache.capacity)


def _named(questions: tuple[str, ...]) -> str:
    count = len(questions)
    turns = "the oldest turn was" if count == 1 else f"the {count} oldest turns were"
    shown = "; ".join(f'"{one_line(question, _SHOWN)}"' for question in questions)
    return f"The context was full: {turns} left out of what the model reads: {shown}."
