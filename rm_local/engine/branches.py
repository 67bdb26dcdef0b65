"""The specification of a branch, and the worker's reports while branches are generated.

The events of a turn contain the same classes. `event` is the name of a class in `ask --json` and
in session files (docs/reference/events.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rm_local.records import StopReason

Part = Literal["thinking", "answer"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """The parameters for sampling tokens."""

    temperature: float = 0.7
    """0 = always choose the most probable token."""
    top_p: float = 0.95


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """The specification of one branch, to be generated from the open turn's prompt."""

    forced: str
    """Text appended to the prompt; the model continues after it. It is tokenized as data, without
    special tokens."""
    seed: int
    max_tokens: int
    sampling: Sampling = Sampling()
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
class EvaluatedTokens:
    """The numbers of tokens evaluated (prefilled) for a request before the model began to write."""

    prompt: int = 0
    """Number of tokens of the prompt."""
    forced: int = 0
    """Number of tokens of forced texts, without those of branches that waited for free cells."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenChunk:
    """New text of one branch."""

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
    """The use of the context in tokens.

    Sent after each change by a hundredth of the context, and when a branch ends.
    """

    event: ClassVar[str] = "context_used"
    used: int
    """Number of tokens in the cache; tokens shared by branches are counted once."""
    longest: int
    """Length of the longest branch, with its prompt and forced text."""
    context: int
    """Capacity of the cache, and maximum length of a branch."""


@dataclass(frozen=True, slots=True)
class ContextAdjusted:
    """A report that the context was full, with the action taken or the reason for no action."""

    event: ClassVar[str] = "room_made"
    message: str
    """Explanation for the user, in sentences."""
    dropped: int
    """Number of the conversation's turns dropped so far."""
    context: int
    """Size of the context in tokens after the action."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with its log probability."""

    token: int
    text: str
    """The token's bytes decoded as UTF-8; a character may be split across several tokens."""
    logprob: float
    """Natural logarithm of its probability: softmax over all of the model's logits, before
    temperature, top-p and grammar."""


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A sampled token of a branch, and the most probable tokens at its position, best first."""

    token: int
    text: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchEnded:
    """The report of a branch's end, with its statistics."""

    branch: int
    stop: StopReason
    tokens: int
    seconds: float
    """Seconds from the first decoding step of the batch to the last step of this branch."""
    confidence: float | None = None
    """Mean `SampledToken.logprob` of the branch's tokens, at most 0; None if there are no tokens
    or log probabilities were not requested."""
    logprobs: tuple[SampledToken, ...] = ()
    """The branch's tokens in order; empty if alternatives were not requested."""
    forced: int = 0
    """Number of tokens inserted by the calculator; they are not part of the other fields."""


BranchEvent = EvaluatedTokens | TokenChunk | ContextUsage | ContextAdjusted | BranchEnded
"""An item from `Engine.generate_branches`. `EvaluatedTokens` is sent once, before any text."""
