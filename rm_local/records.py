"""Records that all packages share: frozen values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StopReason = Literal["end", "length", "context", "repeating", "time", "cancelled", "outvoted"]
"""Why a branch ended: the model was done, the budget spent, the context full, the text repeated
itself, the turn's time was over, the user stopped it, or the vote was decided."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subproblem -> subroutine pair of the store (docs/design/method.md)."""

    subproblem: str
    """The question in general terms, without the numbers. The key: only this is embedded."""
    subroutine: str
    """How to solve it, in the first person. The value."""
    domain: str = ""
    """Field of knowledge, e.g. `math`, `physics`, `code`."""
    source: str = ""
    """Where the entry comes from, e.g. `hand/algebra` or `curriculum/kinetic-energy`."""
    level: str = ""
    """Its difficulty, in its author's words, e.g. `school` or `olympiad`."""
    provenance: str = ""
    """Who or what made it, and under which licence."""
    id: int = 0
    """Number in its store, from 1; 0 for an entry that is not in a store."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found for a subproblem."""

    entry: Entry
    similarity: float
    """Cosine between the two subproblems, -1 to 1, higher = nearer."""
    lexical: float = 0.0
    """Share, 0 to 1, of the query's rare words that the entry's subproblem contains."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One sampled continuation under one hint, when it has ended."""

    index: int
    """From 0, in the order of the turn's branches."""
    hint: Hit | None
    seed: int
    thinking: str
    """The model's thinking after the forced text."""
    text: str
    """The model's text after the thinking."""
    result: str | None
    """The final answer extracted from `text`; None if it has none."""
    tokens: int
    """Tokens that the model wrote, without forced ones."""
    seconds: float
    stop: StopReason
    confidence: float | None = None
    """Mean log probability (natural) of the tokens that it wrote, at most 0; higher = more
    confident. None if it wrote no tokens, or if it was not recorded."""
    draws: int = 1
    """Number of its votes: its own draw, and draws under its hint that were skipped because they
    would hardly have differed."""
    forced: int = 0
    """Tokens that the calculator inserted; not among `tokens`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a turn, and the branches that agree on it."""

    text: str
    """The chosen branch's text."""
    result: str | None
    """The result that the vote chose; None if no branch has one."""
    branch: int
    """Index of the branch whose text this is."""
    agreed: int
    """Number of branches with this result."""
    branches: int
    """Number of branches that were run."""
    hints: tuple[int, ...]
    """Ids of the entries under which the agreeing branches reasoned."""
    tokens: int
    """Tokens written in the whole turn."""
    seconds: float
    saved_branches: int = 0
    """Branches of the plan that were skipped because the vote was decided without them."""
    saved_tokens: int = 0
    """Estimated tokens of the skipped branches, by the mean of the completed ones."""


@dataclass(frozen=True, slots=True)
class PrefillStats:
    """Prefill of a turn before its reasoning. Counts are tokens; times are seconds."""

    prompt: int
    """Tokens of the conversation with the question."""
    prompt_read: int
    """Those of `prompt` evaluated by the end of the formulation; the others were in the cache."""
    prompt_last: int
    """Those of `prompt` evaluated with the hints: the last one, if nothing was formulated or the
    model cannot return to any position; all remaining ones, if older turns were dropped for the
    hints; otherwise 0."""
    hints_read: int
    """Evaluated after the prompt for the branches: cue, subproblem and hints, each once."""
    prompt_seconds: float
    """Evaluation of `prompt_read`, except for the last token."""
    hints_seconds: float
    """Evaluation of `prompt_last` and `hints_read`."""
    first_token_seconds: float
    """From the end of the formulation (without one, of the prompt's evaluation) to the first
    text of a branch; includes the search and `hints_seconds`."""
    apart_read: int = 0
    """Evaluated for the separate chat that formulates the subproblem."""
