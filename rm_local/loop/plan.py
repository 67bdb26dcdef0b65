"""Plans: how a question is solved, as data. A baseline is a plan, never other code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from rm_local import old_names
from rm_local.errors import UsageError
from rm_local.old_names import replace_name

Retrieval = Literal["none", "cue", "random", "memory"]
"""What branches get: nothing, the cue and the subproblem, random hints, or retrieved hints."""
Cue = Literal["thoughts", "always"]
"""Where the cue and the hint are placed: in the thoughts of a model that thinks (others read the
hint in the user's message), or, for every model, where it continues, as in the paper."""


VoteRule = Literal["waves", "all", "none"]
"""How an answer is chosen from the branches.

- `waves`: one branch for each hint, then more while the vote is open.
- `all`: all branches at once; those that can no longer change the vote are ended.
- `none`: all branches to their end, without a vote: the shortest that the length filter keeps.
"""
QuestionGate = Literal["auto", "open", "shut"]
"""When a question gets hits: if the store has an entry for it, always, or never."""
Formulation = Literal["fitting", "cue"]
"""How the subproblem is asked for: in a way that suits the model, or by the paper's cue."""
HitJudge = Literal["none", "model"]
"""Who judges each hit after the search: nobody, or the loaded model."""
Query = Literal["both", "subproblem", "question"]
"""The texts that form the query."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to solve a question; m, n, k default to the smaller setting of arXiv 2604.01348."""

    name: str
    description: str
    retrieval: Retrieval
    samples: int = 8
    """m: branches in total; m // hints for each hint."""
    hints: int = 3
    """k: most hints; each branch reads one."""
    keep_shortest: int = 4
    """n: branches that the length filter keeps for the vote; 0 keeps all. In `waves` all vote."""
    min_shortness: float = 0.1
    """Branches of a hint are kept if their mean shortness is above this (the paper's appendix)."""
    question_gate: QuestionGate = "auto"
    """Only for `retrieval` "memory". A question that gets no hits is answered by the model alone:
    nothing is formulated, and one branch answers as under the plan `direct`. A subproblem named by
    the user and a pinned hit open it."""
    formulation: Formulation = "fitting"
    """`fitting`: a model that does not think, but takes conversations, is asked in a separate chat
    with worked examples, and its reply is checked; every other reads the cue in its thoughts."""
    query: Query = "both"
    """`both`: one vector, of the question and, at a quarter of the weight, the subproblem."""
    min_similarity: float | None = None
    """Least similarity of a hit, unless it holds the query's rare words. None: a value on the
    store's own scale, above what entries have to any sentence, and no limit if `question_gate` is
    "open"."""
    max_score_gap: float = 0.2
    """Largest gap between the score of a hit and the best one: if the store has the exact entry, no
    samples are spent on merely similar ones. The paper keeps all k."""
    judge: HitJudge = "none"
    """`model`: hits are left out if the model finds no more probable than yes when asked whether
    they help. It needs a model that judges well (docs/design/gate.md)."""
    vote: VoteRule = "waves"
    max_tokens: int = 4096
    """Budget of one branch."""
    max_seconds: float = 0.0
    """Time limit of the whole turn, from when the model begins to read the question. Then the
    running branches are ended, and the turn answers with what was generated. 0 = no limit."""
    temperature: float = 0.7
    """Used if the model's file recommends no temperature, and the minimum for several branches."""
    top_p: float = 0.95
    cue: Cue = "thoughts"
    thinking: bool = True
    """False = the model answers without thinking."""
    effort: str = ""
    """How much to think, one of the model's `efforts`; empty = the default of its template."""
    calculator: bool = True
    """Let a model that was trained with the calculator use it in its branches."""

    @property
    def searches(self) -> bool:
        """Whether a store is needed."""
        gated = self.retrieval == "memory" and self.question_gate == "shut"
        return self.retrieval in ("random", "memory") and not gated

    def without_memory(self) -> Plan:
        """This plan for a question that gets no hits: one branch of the model alone."""
        return replace(self, retrieval="none", samples=1, keep_shortest=0)


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
    """Find the plan of that name, or of an old name of it (`rm_local.old_names`).

    Raises:
        UsageError: There is no such plan.
    """
    try:
        return PLANS[replace_name(old_names.PLANS, name, "plan {}")]
    except KeyError:
        remedy = f"Choose one of: {', '.join(PLANS)}."
        raise UsageError(f"There is no plan {name!r}.", remedy) from None
