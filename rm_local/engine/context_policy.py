"""Policies for a full context: drop the oldest turns, or enlarge the context."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.engine.protocol import Message

SPARE = 4
"""Where a policy applies, a quarter of the context is kept free for what branches write."""


def leaves_room(tokens: int, context: int) -> bool:
    """Whether a prompt of so many tokens leaves enough room for the branches."""
    return tokens <= context - context // SPARE


def suggest_remedy(earlier: bool, tokens: int, trained: int) -> str:
    """Suggest what to do when a prompt of so many tokens does not fit.

    `earlier`: whether it contains earlier turns. `trained`: the model's context length, tokens.
    """
    ways = ["Ask a shorter question"]
    if earlier:
        ways += ["begin a new session", 'let `context_overflow` be "drop_oldest"']
    if trained > tokens:
        ways.append(f"set a larger `context` (this model was trained for {trained:,})")
    else:
        ways.append("choose a model with a larger context")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}."


def list_turn_starts(messages: Sequence[Message]) -> list[int]:
    """Find the index at which each earlier turn begins: a question other than the last message."""
    last = len(messages) - 1
    return [n for n, message in enumerate(messages[:last]) if message.role == "user"]


def drop_oldest_turns(messages: Sequence[Message], count: int) -> tuple[Message, ...]:
    """Drop the first `count` turns; messages before them and the last message stay."""
    starts = [*list_turn_starts(messages), len(messages) - 1]
    begin, end = starts[0], starts[min(count, len(starts) - 1)]
    return (*messages[:begin], *messages[end:])


def list_oldest_questions(messages: Sequence[Message], count: int) -> tuple[str, ...]:
    """List the questions of the first `count` turns."""
    return tuple(messages[start].content for start in list_turn_starts(messages)[:count])


def enlarge_context(context: int, tokens: int, trained: int) -> int:
    """Double the context until a prompt of `tokens` leaves enough room, up to `trained`; 0 when it
    cannot grow."""
    larger = 2 * context
    while not leaves_room(tokens, larger) and larger < trained:
        larger *= 2
    larger = min(larger, trained)
    return larger if larger > context else 0
