"""Decisions for a full context: which old turns to drop, or how far to enlarge the context."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.engine.protocol import Message

SPARE = 4
"""One part in SPARE of the context (a quarter) is kept free for the tokens that branches write."""


def leaves_quarter_free(tokens: int, context: int) -> bool:
    """Return whether a prompt of `tokens` tokens leaves a quarter of the context for branches."""
    return tokens <= context - context // SPARE


def suggest_overflow_remedy(earlier: bool, tokens: int, trained: int) -> str:
    """Return a sentence for the user: what to do if a prompt of `tokens` tokens does not fit.

    `earlier`: whether the prompt contains earlier turns. `trained`: the context length in tokens
    for which the model was trained.
    """
    ways = ["Ask a shorter question"]
    if earlier:
        ways += ["begin a new session", 'let `context_overflow` be "drop_oldest"']
    if trained > tokens:
        ways.append(f"set a larger `context` (this model was trained for {trained:,})")
    else:
        ways.append("choose a model with a larger context")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}."


def list_earlier_turn_starts(messages: Sequence[Message]) -> list[int]:
    """List the indices of the user messages before the last message; each of them begins a turn."""
    last = len(messages) - 1
    return [n for n, message in enumerate(messages[:last]) if message.role == "user"]


def drop_oldest_turns(messages: Sequence[Message], count: int) -> tuple[Message, ...]:
    """Return the messages without the first `count` turns.

    The messages before the first turn, and the last message, are kept.
    """
    starts = [*list_earlier_turn_starts(messages), len(messages) - 1]
    begin, end = starts[0], starts[min(count, len(starts) - 1)]
    return (*messages[:begin], *messages[end:])


def list_oldest_questions(messages: Sequence[Message], count: int) -> tuple[str, ...]:
    """List the texts of the user's messages that begin the first `count` turns."""
    return tuple(messages[start].content for start in list_earlier_turn_starts(messages)[:count])


def compute_larger_context_or_zero(context: int, tokens: int, trained: int) -> int:
    """Compute a larger context length: doubled until a prompt of `tokens` tokens leaves room.

    The result is at most `trained`, the context length in training, even if the prompt does not fit
    then; 0 if the context cannot grow.
    """
    larger = 2 * context
    while not leaves_quarter_free(tokens, larger) and larger < trained:
        larger *= 2
    larger = min(larger, trained)
    return larger if larger > context else 0
