"""The data types that all packages share: entries, hits, branches, answers. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

StopReason = Literal["end", "length", "context", "repeating", "time", "cancelled", "outvoted"]
"""Reason for the end of a branch, in this order: the model ended its text, the token budget was
spent, the context was full, the text repeated itself, the turn's time was over, the user stopped
the turn, the vote could no longer change."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair of the store: a subproblem and the procedure (subroutine) that solves it."""

    subproblem: str
    """The question in general terms, without its numbers. The key: the only text that is
    embedded."""
    subroutine: str
    """The procedure to solve it, in the first person. The value."""
    domain: str = ""
    """Field of knowledge, e.g. `math`, `physics`, `code`."""
    source: str = ""
    """Where the entry comes from, e.g. `hand/algebra` or `curriculum/kinetic-energy`."""
    level: str = ""
    """The entry's difficulty, in its author's words, e.g. `school` or `olympiad`."""
    provenance: str = ""
    """Author or generator of the entry, and the licence."""
    id: int = 0
    """Number of the entry in its store, from 1; 0 outside of a store."""


class EntryKey(NamedTuple):
    """Identity of an entry among all stores that are searched together."""

    store: str
    """Name of the entry's store; empty if only one store is searched."""
    id: int
    """Number of the entry in that store."""

    def __str__(self) -> str:
        return f"{self.store}:{self.id}" if self.store else str(self.id)


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found by a search, with its scores."""

    entry: Entry
    similarity: float
    """Cosine between the query and the entry's subproblem, -1 to 1, higher = nearer."""
    lexical: float = 0.0
    """Share, 0 to 1, of the query's rare words that the entry's subproblem contains."""
    store: str = ""
    """Name of the entry's store; empty if only one store is searched."""
    words: tuple[str, ...] = ()
    """The rare words that `lexical` counts, in lower case and without accents."""

    @property
    def key(self) -> EntryKey:
        """Identity of the entry among the stores that are searched together."""
        return EntryKey(self.store, self.entry.id)


@dataclass(frozen=True, slots=True)
class Branch:
    """A completed branch: one continuation that the model sampled, with one hint or without."""

    index: int
    """Number of the branch in its turn, from 0."""
    hint: Hit | None
    seed: int
    thinking: str
    """The text that the model wrote as its thinking, without the forced cue and hint."""
    text: str
    """The text that the model wrote after its thinking."""
    result: str | None
    """The final answer extracted from `text`; None if it has none."""
    tokens: int
    """Number of tokens that the model wrote; forced tokens are not counted."""
    seconds: float
    stop: StopReason
    confidence: float | None = None
    """Mean natural log probability of the written tokens, at most 0; higher = more confident. None
    without tokens, or if it was not recorded."""
    draws: int = 1
    """Number of votes of this branch: 1, plus the number of skipped branches with the same hint
    that would most likely have had the same text."""
    forced: int = 0
    """Number of tokens that the calculator inserted; they are not part of `tokens`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a turn, and the branches that agree on it."""

    text: str
    """The text of the chosen branch."""
    result: str | None
    """The result that the vote chose; None if no branch has one."""
    branch: int
    """Index of the branch that `text` comes from."""
    agreed: int
    """Number of branches with this result."""
    branches: int
    """Number of branches that were generated."""
    hints: tuple[int, ...]
    """Ids of the entries under which the agreeing branches reasoned."""
    tokens: int
    """Number of tokens that the model wrote in the turn: all branches, and the subproblem."""
    seconds: float
    saved_branches: int = 0
    """Number of branches that the plan allows but that were not generated, since the vote was
    decided or a branch would have repeated another."""
    saved_tokens: int = 0
    """Estimated number of tokens that these branches would have had: the mean of the completed
    branches, times `saved_branches`."""
    hint_stores: tuple[str, ...] = ()
    """Names of the stores of `hints`, in the same order; empty if only one store is searched."""

    @property
    def hint_keys(self) -> tuple[EntryKey, ...]:
        """Identities of the entries under which the agreeing branches reasoned."""
        stores = self.hint_stores or ("",) * len(self.hints)
        return tuple(map(EntryKey, stores, self.hints))


@dataclass(frozen=True, slots=True)
class PrefillStats:
    """Statistics of a turn's prefill (evaluation of prompt and hints): tokens, times in seconds."""

    prompt: int
    """Tokens of the conversation with the question."""
    prompt_read: int
    """Tokens of `prompt` evaluated by the end of the formulation; the others were cached."""
    prompt_last: int
    """Tokens of `prompt` evaluated together with the hints: the last one, if nothing was formulated
    or the model cannot return to any position; all remaining ones, if older turns were dropped for
    the hints; otherwise 0."""
    hints_read: int
    """Tokens evaluated after the prompt for the branches: cue, subproblem and hints, each once."""
    prompt_seconds: float
    """Time of the evaluation of `prompt_read`, without its last token."""
    hints_seconds: float
    """Time of the evaluation of `prompt_last` and `hints_read`."""
    first_token_seconds: float
    """Time from the end of the formulation (without a formulation: of the prompt's evaluation) to
    the first text of a branch; it includes the search and `hints_seconds`."""
    apart_read: int = 0
    """Tokens evaluated for the separate chat that formulates the subproblem."""
