"""What is left out of a conversation, or how far the context grows, when it is full."""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.engine.protocol import Message

SPARE = 4
"""A quarter of the context is to be free for what branches write, where room is made."""


def comfortable(tokens: int, context: int) -> bool:
    """Whether a prompt of so many tokens leaves branches their room."""
    return tokens <= context - context // SPARE


def remedy(earlier: bool, tokens: int, trained: int) -> str:
    """What helps when a prompt of so many tokens does not fit; `earlier`: it holds turns before."""
    ways = ["Ask a shorter question"]
    if earlier:
        ways += ["begin a new session", 'let `context_overflow` be "drop_oldest"']
    if trained > tokens:
        ways.append(f"set a larger `context` (this model was trained for {trained:,})")
    else:
        ways.append("choose a model with a larger context")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}."


def turns(messages: Sequence[Message]) -> list[int]:
    """Where each earlier turn begins: at a question that is not the last message's."""
    last = len(messages) - 1
    return [n for n, message in enumerate(messages[:last]) if message.role == "user"]


def without_oldest(messages: Sequence[Message], count: int) -> tuple[Message, ...]:
    """The messages without the first `count` turns; what stands before them and the last stay."""
    starts = [*turns(messages), len(messages) - 1]
    begin, end = starts[0], starts[min(count, len(starts) - 1)]
    return (*messages[:begin], *messages[end:])


def oldest(messages: Sequence[Message], count: int) -> tuple[str, ...]:
    """The questions of the first `count` turns."""
    return tuple(messages[start].content for start in turns(messages)[:count])


def enlarged(context: int, tokens: int, trained: int) -> int:
    """The context doubled until `tokens` leave branches their room, at most `trained`; 0 when that
    makes it no larger."""
    larger = 2 * context
    while not comfortable(tokens, larger) and larger < trained:
        larger *= 2
    larger = min(larger, trained)
    return larger if larger > context else 0
