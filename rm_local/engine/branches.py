"""Branches of a turn: what is asked of each, and what is reported while they are generated.

The worker sends these values and the events of a turn contain them: each fact has one type.
`event` is the value's name in `ask --json` and in session files (docs/reference/events.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rm_local.records import StopReason

Part = Literal["thinking", "answer"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float = 0.7
    """0 takes the most probable token each time."""
    top_p: float = 0.95


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """One branch to generate from the open turn's prompt."""

    forced: str
    """Text appended to the prompt, before the model continues. Data: nothing in it is special."""
    seed: int
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    """Texts that end the branch; the chunk that contains one is still sent, up to that text."""
    endless: bool = False
    """Continue where the model would end its turn, up to `max_tokens`: to measure speed."""
    grammar: str = ""
    """GBNF that the model's answer follows (docs/guide/constrained.md); empty = none. Thinking is
    free: the grammar holds from where it closes."""
    logprobs: int | None = None
    """Alternatives reported with each sampled token, at most 10; 0 = only the mean log probability
    of the branch, None = nothing."""
    note: str = ""
    """Text that this branch alone reads at the end of the last message. Data, like `forced`."""
    calculator: bool = False
    """Write the value and `>>` after each `<<expression=` (docs/design/calculator.md). Not under a
    grammar, and not where it is `endless`."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Tokens that a request had to evaluate before the model could write."""

    prompt: int = 0
    """Tokens of the prompt."""
    forced: int = 0
    """Tokens of forced texts, without branches that had to wait for free cells."""
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

    The three numbers are tokens.
    """

    event: ClassVar[str] = "context_used"
    used: int
    """In the cache; tokens that branches share count once."""
    longest: int
    """Of the longest branch, with its prompt and forced text."""
    context: int
    """Capacity of the cache, which is also the limit of a single branch."""


@dataclass(frozen=True, slots=True)
class ContextAdjusted:
    """The context was full: the action taken, or the reason why none was possible."""

    event: ClassVar[str] = "room_made"
    message: str
    """In sentences."""
    dropped: int
    """Turns of the conversation left out so far."""
    context: int
    """Tokens that the context now holds."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with its log probability."""

    token: int
    text: str
    """The token's bytes as UTF-8 by themselves; a character may be cut across tokens."""
    logprob: float
    """Natural logarithm of its probability: softmax over all of the model's logits, before
    temperature, top-p and grammar."""


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A token that a branch wrote, and the most probable tokens at its place, best first."""

    token: int
    text: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchEnded:
    """One branch is done."""

    branch: int
    stop: StopReason
    tokens: int
    seconds: float
    """From the first decoding step of the batch to this branch's last."""
    confidence: float | None = None
    """Mean `SampledToken.logprob` over what it wrote, at most 0; None when it wrote nothing or
    log probabilities were not requested."""
    logprobs: tuple[SampledToken, ...] = ()
    """All tokens that it wrote, in order, when alternatives were requested."""
    forced: int = 0
    """Tokens that the calculator put into it; not among `tokens`, `confidence` and `logprobs`."""


BranchEvent = Evaluated | TokenChunk | ContextUsage | ContextAdjusted | BranchEnded
"""An item of the stream of `Engine.generate_branches`. `Evaluated` comes once, before any text."""
