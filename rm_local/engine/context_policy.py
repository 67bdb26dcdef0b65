"""Policies for a full context: drop the oldest turns, or enlarge the context."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.engine.protocol import Message

SPARE = 4
"""A policy keeps a quarter of the context free for the tokens that branches write."""


def leaves_room(tokens: int, context: int) -> bool:
    """Return whether a prompt of `tokens` tokens leaves enough room for the branches."""
    return tokens <= context - context // SPARE


def suggest_overflow_remedy(earlier: bool, tokens: int, trained: int) -> str:
    """Suggest actions to the user if a prompt of `tokens` tokens does not fit into the context.

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
    """List the positions of the user messages before the last message: each begins a turn."""
    last = len(messages) - 1
    return [n for n, message in enumerate(messages[:last]) if message.role == "user"]


def drop_oldest_turns(messages: Sequence[Message], count: int) -> tuple[Message, ...]:
    """Drop the first `count` turns; keep the messages before them, and the last message."""
    starts = [*list_earlier_turn_starts(messages), len(messages) - 1]
    begin, end = starts[0], starts[min(count, len(starts) - 1)]
    return (*messages[:begin], *messages[end:])


def list_oldest_questions(messages: Sequence[Message], count: int) -> tuple[str, ...]:
    """List the questions of the first `count` turns."""
    return tuple(messages[start].content for start in list_earlier_turn_starts(messages)[:count])


def compute_larger_context(context: int, tokens: int, trained: int) -> int:
    """Choose a larger context: double it until a prompt of `tokens` tokens leaves enough room.

    The result is at most `trained`; 0 if the context cannot grow.
    """
    larger = 2 * context
    while not leaves_room(tokens, larger) and larger < trained:
        larger *= 2
    larger = min(larger, trained)
    return larger if larger > context else 0
