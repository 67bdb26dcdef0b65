"""The separate chat that asks a model for a subproblem: a request, and worked examples.

The examples are turns of the chat: question, subproblem. Their subjects and languages differ, so
that the model copies neither; no subproblem contains a number of its question.
"""

from __future__ import annotations

from collections.abc import Sequence

from rm_local.engine import Message

REQUEST = "Which general problem has to be solved here? Do not solve it.\n\n"
"""Text before each question of the chat; without it a small model would answer the question."""

_EXAMPLES = (
    (
        "A shop takes 20% off a coat that costs 85 euros. What do I pay?",
        "How to find the price after a discount in percent?",
    ),
    (
        "My function that should add up a list of numbers returns None. What is wrong with it?",
        "How to find out why a function does not return its result?",
    ),
    (
        "Ein Zug bremst in 12 s von 30 m/s bis zum Stillstand. Wie lang ist der Bremsweg?",
        "How to find the distance covered during a uniform deceleration?",
    ),
    (
        "I have 7 pairs of shoes and draw 4 shoes in the dark. How likely is it to get a pair?",
        "How to find the probability that a random draw contains a matching pair?",
    ),
    (
        "How much salt do I need for 250 mL of a 0.9 % solution?",
        "How to find the amount of a substance for a solution of given concentration?",
    ),
)


def build_formulation_chat(question: str) -> Sequence[Message]:
    """Build the messages that ask for the subproblem of `question`: examples, then the request."""
    messages: list[Message] = []
    for asked, subproblem in _EXAMPLES:
        messages += [Message("user", REQUEST + asked), Message("assistant", subproblem)]
    return (*messages, Message("user", REQUEST + question))
