"""Plans: named sets of parameters for solving a question; some are baselines to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from rm_local import old_names
from rm_local.errors import UsageError
from rm_local.limits import HIGHEST_TEMPERATURE, MOST_BRANCHES, MOST_SECONDS, MOST_TOKENS
from rm_local.old_names import warn_and_replace_old_name

Retrieval = Literal["none", "cue", "random", "memory"]
"""What branches read besides the question: nothing, the cue and the subproblem, random entries as
hints, or retrieved entries as hints."""
Cue = Literal["thoughts", "always"]
"""Place of the hint. `thoughts`: after the cue in the thinking of a thinking model; other models
read it at the end of the user's message. `always`: after the cue at the beginning of every model's
output, as in arXiv 2604.01348."""


VoteRule = Literal["waves", "all", "none"]
"""Rule for the choice of an answer from the branches.

- `waves`: one branch for each hint, then more until the vote is decided.
- `all`: all branches at once; branches that can no longer change the vote are ended.
- `none`: all branches to their end, without a vote; the shortest branch kept by the filter wins.
"""
QuestionGate = Literal["auto", "open", "shut"]
"""When a question gets hits: if the store has an entry for it (`auto`), always, or never."""
Formulation = Literal["fitting", "cue"]
"""How the model is asked for the subproblem: as suits the model (`fitting`), or by the cue of arXiv
2604.01348."""
HitJudge = Literal["none", "model"]
"""Who judges after the search whether each hit helps: nobody, or the loaded model."""
Query = Literal["both", "subproblem", "question"]
"""Texts from which the query for the search is made: `both` are question and subproblem."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Parameters for solving a question: whether and how to retrieve, reason and vote.

    The defaults of `samples` (m), `keep_shortest` (n) and `hints` (k) are the smaller setting of
    arXiv 2604.01348.
    """

    name: str
    description: str
    retrieval: Retrieval
    samples: int = 8
    """m: maximum number of branches of a turn; m // k for each hint."""
    hints: int = 3
    """k: maximum number of hints; each branch reads one."""
    keep_shortest: int = 4
    """n: number of branches that the length filter keeps for the vote; 0 keeps all. Under the vote
    rule `waves` nothing is filtered."""
    min_shortness: float = 0.1
    """tau of the paper: the length filter keeps the branches of a hint if their mean shortness, 0
    to 1, is above this value."""
    question_gate: QuestionGate = "auto"
    """Only for `retrieval` "memory". A question that gets no hits is answered by the model alone:
    nothing is formulated, and one branch answers as under the plan `direct`. A subproblem named by
    the user and a pinned hit open it."""
    formulation: Formulation = "fitting"
    """`fitting`: a model without thinking, but with conversations, is asked in a separate chat with
    worked examples, and its reply is checked; every other model reads the cue in its thinking."""
    query: Query = "both"
    """`both`: one vector, of the question and, at a quarter of the weight, the subproblem."""
    min_similarity: float | None = None
    """Minimum similarity of a hit, unless it contains the query's rare words. None: a value on the
    store's own scale, above the similarity of entries to unrelated sentences; no limit if
    `question_gate` is "open"."""
    max_score_gap: float = 0.2
    """Maximum gap between the score of a hit and the best score: if the store has the exact entry,
    no branches are spent on merely similar entries. The paper keeps all k hits."""
    judge: HitJudge = "none"
    """`model`: the model is asked whether each hit helps; a hit is left out if "no" is more
    probable than "yes". It needs a model that judges well (docs/design/gate.md)."""
    vote: VoteRule = "waves"
    max_tokens: int = 4096
    """Maximum number of tokens of one branch."""
    max_seconds: float = 0.0
    """Time limit of the whole turn in seconds, from the beginning of the prefill; 0 = no limit. At
    the limit the running branches are ended, and the turn answers with the generated text."""
    temperature: float = 0.7
    """Temperature, if the model's file recommends none; also the minimum for several branches."""
    top_p: float = 0.95
    cue: Cue = "thoughts"
    thinking: bool = True
    """False = the model answers without thinking."""
    effort: str = ""
    """Amount of thinking, one of the model's `efforts`; empty = its chat template's default."""
    calculator: bool = True
    """Whether a model that was trained with the calculator may use it in its branches."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: A number is out of its range, or is not a number.
        """
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UsageError(
                    f"The plan {self.name!r} has {name} = {value!r}.",
                    f"Set it to a number from {least:g} to {most:g}.",
                )

    @property
    def needs_store(self) -> bool:
        """Whether questions under this plan can get entries of a store, so one must be open."""
        gated = self.retrieval == "memory" and self.question_gate == "shut"
        return self.retrieval in ("random", "memory") and not gated

    def as_single_branch_without_memory(self) -> Plan:
        """Return a copy of the plan for a question without hits: one branch, and no retrieval."""
        return replace(self, retrieval="none", samples=1, keep_shortest=0)


_RANGES: dict[str, tuple[float, float]] = {
    "samples": (1, MOST_BRANCHES),
    "hints": (1, MOST_BRANCHES),
    "keep_shortest": (0, MOST_BRANCHES),
    "min_shortness": (0, 1),
    "min_similarity": (-1, 1),
    "max_score_gap": (0, inf),
    "max_tokens": (1, MOST_TOKENS),
    "max_seconds": (0, MOST_SECONDS),
    "temperature": (0, HIGHEST_TEMPERATURE),
    "top_p": (0, 1),
}
"""Least and largest value of each number of a plan."""

PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("memory", "name the subproblem, retrieve, reason under each hit, vote", "memory"),
        Plan("direct", "the model by itself, one sample", "none", samples=1, keep_shortest=0),
        Plan(
            "length-vote",
            "the model by itself, several samples, shortest kept, vote",
            "none",
            vote="all",
        ),
        Plan("cue-only", "name the subproblem but retrieve nothing", "cue"),
        Plan("random-hints", "as memory, under hints drawn at random (a control)", "random"),
        Plan(
            "paper",
            "the paper's way: cue for every model, all hits, all samples to their end, no vote",
            "memory",
            min_similarity=-1.0,
            max_score_gap=inf,
            cue="always",
            question_gate="open",
            formulation="cue",
            query="subproblem",
            vote="none",
            max_tokens=32_768,
        ),
    )
}
DEFAULT_PLAN = "memory"


def find_plan(name: str) -> Plan:
    """Return the plan with this name, or with this old name (`rm_local.old_names`).

    Raises:
        UsageError: There is no such plan.
    """
    try:
        return PLANS[warn_and_replace_old_name(old_names.PLANS, name, "plan {}")]
    except KeyError:
        remedy = f"Choose one of: {', '.join(PLANS)}."
        raise UsageError(f"There is no plan {name!r}.", remedy) from None
