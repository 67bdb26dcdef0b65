"""The records that every room shares: plain, frozen, without behaviour of any room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StopReason = Literal["end", "length", "context", "repeating", "time", "cancelled", "outvoted"]
"""Why a branch ended: the model was done, the budget spent, the context full, the same text was
written over and over, the turn's time was over, the user or the vote stopped it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subproblem -> subroutine pair of the store (docs/design/method.md)."""

    subproblem: str
    """What is asked, general, without the numbers. The key: only this is embedded."""
    subroutine: str
    """How to do it, in the first person. The value."""
    domain: str = ""
    """Field of knowledge, e.g. `math`, `physics`, `code`."""
    source: str = ""
    """Where the entry comes from, e.g. `hand/algebra` or `curriculum/kinetic-energy`."""
    level: str = ""
    """How hard it is, in the words of whoever made it, e.g. `school` or `olympiad`."""
    provenance: str = ""
    """Who or what made it, and under which licence."""
    id: int = 0
    """Number in its store, from 1; 0 for an entry that is in none."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found for a subproblem."""

    entry: Entry
    similarity: float
    """Cosine between the two subproblems, -1 to 1, higher = nearer."""
    lexical: float = 0.0
    """Share, 0 to 1, of the query's rare words that the entry's subproblem holds."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One sampled continuation under one hint, as it stood when it ended."""

    index: int
    """From 0, in the order of the turn's branches."""
    hint: Hit | None
    seed: int
    thinking: str
    """What the model thought after the forced text."""
    text: str
    """What it said after the thinking."""
    result: str | None
    """The final answer taken from `text`; None when it gave none."""
    tokens: int
    """Tokens that the model wrote, forced ones apart."""
    seconds: float
    stop: StopReason
    confidence: float | None = None
    """Mean natural logarithm of the probability of each token that it wrote, at most 0: higher is
    surer, by the model's own measure. None when it wrote none, or when it was not noted."""
    draws: int = 1
    """Draws that it stands for: its own, and those under its hint that were not made because they
    would hardly have differed. It votes as often."""
    forced: int = 0
    """Tokens that the calculator put into it; not among `tokens`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn came to, and what carried it."""

    text: str
    """The chosen branch's text."""
    result: str | None
    """The answer that the vote chose; None when no branch gave one."""
    branch: int
    """Index of the branch whose text this is."""
    agreed: int
    """Branches that gave this result."""
    branches: int
    """Branches that were run."""
    hints: tuple[int, ...]
    """Ids of the entries under which the agreeing branches reasoned."""
    tokens: int
    """Tokens written in the whole turn."""
    seconds: float
    saved_branches: int = 0
    """Branches of the plan that were not grown because the outcome stood without them."""
    saved_tokens: int = 0
    """What these would have written, by the mean of those that came to their end."""


@dataclass(frozen=True, slots=True)
class PrefillStats:
    """What a turn had read when its reasoning began. Counts are tokens; times are seconds."""

    prompt: int
    """Of the conversation with the question."""
    prompt_read: int
    """Of these, evaluated up to the end of the formulation; what is missing was in the cache."""
    prompt_last: int
    """Of these, evaluated with the hints: the last one, if nothing was formulated or the model
    cannot go back to just any place; all that are left of them, if room was made for the hints;
    else none."""
    hints_read: int
    """Evaluated behind the prompt for the branches: cue, subproblem and hints, each once."""
    prompt_seconds: float
    """What the evaluation of `prompt_read` took, but for the last token."""
    hints_seconds: float
    """What the evaluation of `prompt_last` and `hints_read` took."""
    first_token_seconds: float
    """From the end of the formulation, or of the prompt's evaluation where nothing was formulated,
    to the first text of a branch: the search and `hints_seconds` are in it."""
    apart_read: int = 0
    """Evaluated for a chat of its own, in which the subproblem was asked for."""
