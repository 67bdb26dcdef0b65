"""Plans: how a question is to be solved, as data. A baseline is a plan, never other code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from rm_local.errors import UsageError

Retrieval = Literal["none", "cue", "random", "memory"]
"""What a branch reasons under: nothing, the cue and the subproblem, hints drawn at random, hits."""
Cue = Literal["thoughts", "always"]
"""Where the cue and the hint are put: into the thoughts of a model that thinks (others read the
hint in the user's message), or, for every model, where it continues, as in the paper."""


VoteRule = Literal["waves", "all", "none"]
"""How branches come to an answer.

- `waves`: one branch for each hint, then more while the vote is open.
- `all`: all branches at once; those that can no longer change the vote are ended.
- `none`: all branches to their end, and no vote: the shortest that the length filter keeps.
"""
QuestionGate = Literal["auto", "open", "shut"]
"""Whether a question gets hits: if the store has something for it, always, or never."""
Formulation = Literal["fitting", "cue"]
"""How the subproblem is asked for: `fitting` the model, or by the paper's cue whatever it is."""
HitJudge = Literal["none", "model"]
"""Who judges each hit after it was found: nobody, or the loaded model."""
Query = Literal["both", "subproblem", "question"]
"""What is searched for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to solve a question (PAPER 1b, step 6; defaults are the paper's smaller setting)."""

    name: str
    about: str
    retrieval: Retrieval
    samples: int = 8
    """m: branches in all; m // hints for each hint."""
    hints: int = 3
    """k: hints at most, one a branch."""
    keep: int = 4
    """n: branches that the length filter keeps for the vote; 0 keeps all. In `waves` all vote."""
    tau: float = 0.1
    """A hint's branches stay when their mean shortness is above this (PAPER 1b, step 7)."""
    question_gate: QuestionGate = "auto"
    """For `retrieval` "memory" alone. A question that gets no hits goes straight to the model:
    nothing is formulated, and one branch answers as under the plan `none`. A subproblem of the
    user's own, and a pinned hit, open it."""
    formulation: Formulation = "fitting"
    """`fitting`: a model that does not think, but takes conversations, is asked in a chat of its
    own with worked examples, and what comes is checked; every other has the cue in its thoughts."""
    query: Query = "both"
    """`both`: the question, and to a quarter the subproblem, as one vector."""
    gate: float | None = None
    """Hits of a lower similarity, and without the query's rare words, are left out. None: by the
    store's own scale, what is hardly nearer to the query than to any sentence; nothing is left out
    where `question_gate` is "open"."""
    margin: float = 0.2
    """Hits whose score is lower than the best one's by more are left out, too: when the store has
    the very thing, the samples are not spent on what is merely alike. The paper keeps all k."""
    judge: HitJudge = "none"
    """`model`: hits are left out of which it finds no likelier than yes when asked whether they
    help. It takes a model that can tell (docs/design/gate.md)."""
    vote: VoteRule = "waves"
    max_tokens: int = 4096
    """Budget of one branch."""
    max_seconds: float = 0.0
    """Time of the whole turn, from when the model begins to read the question; when it is over, the
    running branches are ended and the turn answers with what there is. 0 = no limit."""
    temperature: float = 0.7
    """Used when the model's file recommends none, and at least this for several branches."""
    top_p: float = 0.95
    cue: Cue = "thoughts"
    thinking: bool = True
    """False = the model is to answer at once."""
    effort: str = ""
    """How much to think, one of the model's `efforts`; empty = what its template takes."""
    calculator: bool = True
    """Let a model that was trained with the calculator use it in its branches; others never do."""

    @property
    def searches(self) -> bool:
        """Whether a store is needed."""
        gated = self.retrieval == "memory" and self.question_gate == "shut"
        return self.retrieval in ("random", "memory") and not gated

    def without_memory(self) -> Plan:
        """This plan for a question that gets no hits: one branch of the model by itself."""
        return replace(self, retrieval="none", samples=1, keep=0)


PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("memory", "name the subproblem, retrieve, reason under each hit, vote", "memory"),
        Plan("none", "the model by itself, one sample", "none", samples=1, keep=0),
        Plan(
            "length",
            "the model by itself, several samples, shortest kept, vote",
            "none",
            vote="all",
        ),
        Plan("cue", "name the subproblem but retrieve nothing", "cue"),
        Plan("random", "as memory, under hints drawn at random (a control)", "random"),
        Plan(
            "paper",
            "the paper's way: cue for every model, all hits, all samples to their end, no vote",
            "memory",
            gate=-1.0,
            margin=inf,
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
    """The plan of that name, or a UsageError that lists the names."""
    try:
        return PLANS[name]
    except KeyError:
        raise UsageError(f"There is no plan {name!r}.", f"Plans are: {', '.join(PLANS)}.") from None
