"""The specification of a branch, and the events that the worker sends while it generates branches.

A branch is one sampled continuation of a prompt. The events of a turn contain the same classes;
`event` is the name of a class in `ask --json` and in session files (docs/reference/events.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rm_local.records import StopReason

Part = Literal["thinking", "answer"]
"""The part of a model's output to which a text belongs."""


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """The parameters with which the tokens of a branch are sampled."""

    temperature: float = 0.7
    """0 = always choose the most probable token."""
    top_p: float = 0.95
    """Total probability of the most probable tokens from which one is chosen."""


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """The request for one branch: how to continue the open turn's prompt, and for how long."""

    forced: str
    """Text appended to the prompt; the model continues after it. It is tokenized as data, without
    special tokens."""
    seed: int
    max_tokens: int
    """Maximum number of tokens that the model writes in the branch."""
    sampling: SamplingParameters = SamplingParameters()
    stop: tuple[str, ...] = ()
    """Texts that end the branch; the text before the stop text is still sent."""
    endless: bool = False
    """Whether to continue after the model's end of turn, up to `max_tokens`, to measure speed."""
    grammar: str = ""
    """Grammar (GBNF) of the model's answer (docs/guide/constrained.md); empty = unconstrained.
    Thinking is unconstrained: the grammar applies after it is closed."""
    logprobs: int | None = None
    """Number of alternatives reported with each sampled token, at most 10. 0 = report only the
    mean log probability of the branch; None = report no log probabilities."""
    note: str = ""
    """Text added to the end of the last message for this branch alone; tokenized as data."""
    calculator: bool = False
    """Whether to insert the value and `>>` after each `<<expression=` in the model's text
    (docs/design/calculator.md). Ignored with a grammar and for an `endless` branch."""


@dataclass(frozen=True, slots=True)
class EvaluatedTokenCounts:
    """The numbers of tokens evaluated (prefilled) before the model began to write, and the time."""

    prompt: int = 0
    """Number of prompt tokens that were evaluated; those found in the cache are not counted."""
    forced: int = 0
    """Number of evaluated tokens of forced texts, without branches that waited for free cells."""
    seconds: float = 0.0
    """Computing time of the prefill."""


@dataclass(frozen=True, slots=True)
class TokenChunk:
    """The event that a branch has new text: one or more tokens of one part."""

    event: ClassVar[str] = "token"
    branch: int
    part: Part
    text: str
    tokens: int
    """Number of tokens that the model has written in this branch so far."""
    forced: bool = False
    """Whether the text was inserted by the calculator; it is not counted in `tokens`."""


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """The event that the number of used tokens of the context has changed.

    It is sent after each change by a hundredth of the context, and when a branch ends.
    """

    event: ClassVar[str] = "context_used"
    used: int
    """Number of tokens in the cache; tokens shared by branches are counted once."""
    longest: int
    """Length of the longest branch, with its prompt and forced text."""
    context: int
    """Capacity of the cache, and maximum length of a branch."""


@dataclass(frozen=True, slots=True)
class ContextOverflowReport:
    """The event that the context was full, with the action taken or the reason for no action."""

    event: ClassVar[str] = "room_made"
    message: str
    """What was done, or why nothing could be done, in sentences for the user."""
    dropped: int
    """Number of the conversation's turns dropped so far."""
    context: int
    """Size of the context in tokens after the action."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the vocabulary, with its log probability at one position of a branch."""

    token: int
    text: str
    """The token's bytes decoded as UTF-8; a character may be split across several tokens."""
    logprob: float
    """Natural logarithm of the token's probability: the softmax of all logits, before temperature,
    top-p and grammar."""


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A sampled token of a branch, and the most probable tokens at its position, best first."""

    token: int
    text: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()
    """The most probable tokens; empty if no alternatives were requested."""


@dataclass(frozen=True, slots=True)
class BranchEnded:
    """The event that a branch has ended: why, after how many tokens, and with what probability."""

    branch: int
    stop: StopReason
    tokens: int
    """Number of tokens that the model wrote in the branch."""
    seconds: float
    """Seconds from the first decoding step of the batch to the last step of this branch."""
    confidence: float | None = None
    """Mean log probability of the branch's tokens, at most 0; None if it has no tokens or log
    probabilities were not requested."""
    logprobs: tuple[SampledToken, ...] = ()
    """The branch's tokens in order; empty if no alternatives were requested."""
    forced: int = 0
    """Number of tokens inserted by the calculator; they are not part of the other fields."""


BranchEvent = EvaluatedTokenCounts | TokenChunk | ContextUsage | ContextOverflowReport | BranchEnded
"""An event from `Engine.generate_branches`. `EvaluatedTokenCounts` comes once, before any text."""
