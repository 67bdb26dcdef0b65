"""Branches of a turn: their specification, and the reports while they are generated.

The worker sends these values, and the events of a turn contain them: each fact has one type.
`event` is the value's name in `ask --json` and in session files (docs/reference/events.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rm_local.records import StopReason

Part = Literal["thinking", "answer"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are sampled."""

    temperature: float = 0.7
    """0 = always take the most probable token."""
    top_p: float = 0.95


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """One branch to generate from the open turn's prompt."""

    forced: str
    """Text appended to the prompt before the model continues. It is data: tokenised without
    special tokens."""
    seed: int
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    """Texts that end the branch; the chunk that contains one is still sent, up to that text."""
    endless: bool = False
    """Continue after the model's end of turn, up to `max_tokens`; used to measure speed."""
    grammar: str = ""
    """GBNF that the model's answer follows (docs/guide/constrained.md); empty = unconstrained.
    Thinking is unconstrained: the grammar applies after it is closed."""
    logprobs: int | None = None
    """Alternatives reported with each sampled token, at most 10. 0 = only the branch's mean log
    probability; None = nothing."""
    note: str = ""
    """Text added to the end of the last message for this branch alone. Data, like `forced`."""
    calculator: bool = False
    """Insert the value and `>>` after each `<<expression=` that the model writes
    (docs/design/calculator.md). Ignored under a grammar and for an `endless` branch."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Tokens that a request evaluated before the model could write."""

    prompt: int = 0
    """Tokens of the prompt."""
    forced: int = 0
    """Tokens of forced texts, except of branches that had to wait for free cells."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenChunk:
    """Text that one branch has just written."""

    event: ClassVar[str] = "token"
    branch: int
    part: Part
    text: str
    tokens: int
    """Tokens that the branch has written so far."""
    forced: bool = False
    """Whether the calculator wrote it and not the model; `tokens` does not count it."""


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """How full the context is; sent when it changes by a hundredth, and when a branch ends.

    All three numbers are tokens.
    """

    event: ClassVar[str] = "context_used"
    used: int
    """In the cache; tokens shared by branches count once."""
    longest: int
    """Of the longest branch, with its prompt and forced text."""
    context: int
    """Capacity of the cache, which is also the limit of a single branch."""


@dataclass(frozen=True, slots=True)
class ContextAdjusted:
    """The context was full: the action taken, or why no action was possible."""

    event: ClassVar[str] = "room_made"
    message: str
    """For the user, in sentences."""
    dropped: int
    """Turns of the conversation left out so far."""
    context: int
    """Tokens that the context now holds."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with its log probability."""

    token: int
    text: str
    """The token's bytes decoded as UTF-8 on their own; a character may be split across tokens."""
    logprob: float
    """Natural logarithm of its probability: softmax over all of the model's logits, before
    temperature, top-p and grammar."""


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A token that a branch wrote, and the most probable tokens at its position, best first."""

    token: int
    text: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchEnded:
    """One branch has ended."""

    branch: int
    stop: StopReason
    tokens: int
    seconds: float
    """From the first decoding step of the batch to this branch's last."""
    confidence: float | None = None
    """Mean `SampledToken.logprob` of its tokens, at most 0; None when it wrote nothing or log
    probabilities were not requested."""
    logprobs: tuple[SampledToken, ...] = ()
    """Its tokens in order, when alternatives were requested."""
    forced: int = 0
    """Tokens inserted by the calculator; not counted in `tokens`, `confidence` and `logprobs`."""


BranchEvent = Evaluated | TokenChunk | ContextUsage | ContextAdjusted | BranchEnded
"""An item from `Engine.generate_branches`. `Evaluated` comes once, before any text."""
