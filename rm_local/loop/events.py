"""The events of a turn and of its model. Terminal, app and JSON output are made from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields as dataclass_fields
from typing import Any, ClassVar, Literal

from rm_local.engine import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.errors import RmLocalError
from rm_local.records import Answer, Branch, Entry, Hit, PrefillStats

Author = Literal["model", "user", "question"]
"""Author of the subproblem. `question`: the model named no usable subproblem, and the question
replaces it, without its numbers if enough words remain."""


GateReason = Literal["fits", "nothing_fits", "forced"]
"""Reason for the decision of the gate: the store has an entry for the question, has no entry for
it, or the plan or a pinned hit decides."""


@dataclass(frozen=True, slots=True)
class Prefilling:
    """Progress of the evaluation of a long prompt."""

    event: ClassVar[str] = "prefilling"
    share: float
    """Evaluated share of the prompt, 0 to 1."""
    left: float
    """Estimated seconds for the rest of the prompt."""


@dataclass(frozen=True, slots=True)
class Gated:
    """The gate's decision whether the question gets hits; without hits the model answers alone."""

    event: ClassVar[str] = "gated"
    open: bool
    reason: GateReason
    seconds: float = 0.0
    probability: float | None = None
    """Probability that an entry of the store helps; None if it was not estimated."""


@dataclass(frozen=True, slots=True)
class Formulating:
    """A piece of the subproblem as the model writes it. The first one has an empty text."""

    event: ClassVar[str] = "formulating"
    text: str


@dataclass(frozen=True, slots=True)
class Formulated:
    """The formulated subproblem, its author and the cost of its formulation."""

    event: ClassVar[str] = "formulated"
    subproblem: str
    seconds: float
    author: Author = "model"
    tokens: int = 0
    """Number of tokens that the model wrote for the subproblem."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits that passed the gate, best first; empty if no hit passed."""

    event: ClassVar[str] = "retrieved"
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The model's verdict on one hit."""

    id: int
    """Id of the entry."""
    probability: float | None
    """Probability that the hit helps; None if the model says neither yes nor no."""
    kept: bool


@dataclass(frozen=True, slots=True)
class HitsJudged:
    """The model's verdicts on the hits; the turn continues with the kept hits only."""

    event: ClassVar[str] = "hits_judged"
    judgements: tuple[Judgement, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class HintCut:
    """A hint is too long for the context: it is cut at the end of a sentence, or left out."""

    event: ClassVar[str] = "hint_cut"
    id: int
    """Id of the entry."""
    message: str
    """The cut, described in a sentence."""
    tokens: int
    """Tokens of the whole hint; 0 for an entry without text."""
    kept: int
    """Number of tokens that the model reads; 0 = the hint is left out."""


@dataclass(frozen=True, slots=True)
class BranchStarted:
    """A branch begins, with or without a hint."""

    event: ClassVar[str] = "branch_started"
    branch: int
    hint: Hit | None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The prompt and the hints are evaluated: the first branch has begun to write."""

    event: ClassVar[str] = "prefilled"
    reading: PrefillStats


@dataclass(frozen=True, slots=True)
class BranchFinished:
    """A branch has ended."""

    event: ClassVar[str] = "branch_finished"
    branch: Branch


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn's answer; the last event of a turn with an answer."""

    event: ClassVar[str] = "answered"
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn ended without an answer; the last event of such a turn."""

    event: ClassVar[str] = "failed"
    message: str
    remedy: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """The model is being loaded into memory."""

    event: ClassVar[str] = "model_loading"
    share: float
    """Loaded share of the model, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ModelUnloaded:
    """The model was unloaded after some time without a question."""

    event: ClassVar[str] = "model_unloaded"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the user that does not interrupt anything."""

    event: ClassVar[str] = "notice"
    text: str


RunEvent = ModelLoading | ModelUnloaded | Notice
"""An event of the running program: sessions do not save it, and it can occur between turns."""

TurnEvent = (
    Gated
    | Prefilling
    | Formulating
    | Formulated
    | Retrieved
    | HintCut
    | HitsJudged
    | BranchStarted
    | Prefilled
    | TokenChunk
    | BranchFinished
    | ContextUsage
    | ContextAdjusted
    | Answered
    | Failed
)
"""A step of a turn; sessions save it."""

Event = TurnEvent | RunEvent


def make_failed_event(error: RmLocalError) -> Failed:
    """Create the last event of a turn that ends with this error."""
    return Failed(error.message, error.remedy, error.exit_code)


def event_as_json(event: Event) -> dict[str, Any]:
    """Convert the event to one JSON object of `rm-local ask --json` (docs/reference/events.md)."""
    match event:
        case Retrieved(hits=hits, seconds=seconds):
            fields = {"hits": [hit_as_json(hit) for hit in hits], "seconds": seconds}
        case BranchStarted(branch=index, hint=hint, seed=seed):
            fields = {"branch": index, "hint": hint and hit_as_json(hint), "seed": seed}
        case Prefilled(reading=reading):
            fields = asdict(reading)
        case BranchFinished(branch=branch):
            fields = asdict(branch)
            fields = {"branch": fields.pop("index")} | fields
            fields["hint"] = branch.hint and hit_as_json(branch.hint)
        case Answered(answer=answer):
            fields = asdict(answer)
            fields = {"answer": fields.pop("result")} | fields | {"hints": list(answer.hints)}
        case _:
            fields = asdict(event)
    return {"event": event.event, **fields}


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """Convert the hit to one flat JSON object: the entry's fields, `similarity` and `lexical`."""
    fields = asdict(hit.entry)
    scores = {"similarity": float(hit.similarity), "lexical": float(hit.lexical)}
    return {"id": fields.pop("id"), **scores, **fields}


def event_from_json(fields: dict[str, Any]) -> Event:
    """Convert a JSON object of `event_as_json` to its event. Unknown fields are ignored.

    Raises:
        ValueError, KeyError, TypeError: The object is not an event.
    """
    kind = _KINDS.get(fields["event"])
    if kind is None:
        raise ValueError(f"There is no event {fields['event']!r}.")
    if kind is Retrieved:
        return Retrieved(tuple(map(_hit_from_json, fields["hits"])), fields["seconds"])
    if kind is HitsJudged:
        judgements = tuple(_build_from_fields(Judgement, each) for each in fields["judgements"])
        return HitsJudged(judgements, fields["seconds"])
    if kind is Prefilled:
        return Prefilled(_build_from_fields(PrefillStats, fields))
    if "hint" in fields:
        fields = fields | {"hint": fields["hint"] and _hit_from_json(fields["hint"])}
    if kind is BranchFinished:
        return BranchFinished(_build_from_fields(Branch, fields | {"index": fields["branch"]}))
    if kind is Answered:
        hints = tuple(fields["hints"])
        return Answered(
            _build_from_fields(Answer, fields | {"result": fields["answer"], "hints": hints})
        )
    event: Event = _build_from_fields(kind, fields)
    return event


_KINDS: dict[str, Any] = {
    kind.event: kind
    for kind in (
        Gated, Prefilling, Formulating, Formulated, Retrieved, HintCut, HitsJudged, BranchStarted,
        Prefilled,
        TokenChunk, BranchFinished, ContextUsage, ContextAdjusted, Answered, Failed, ModelLoading,
        ModelUnloaded, Notice,
    )
}  # fmt: skip


def _hit_from_json(fields: dict[str, Any]) -> Hit:
    return Hit(_build_from_fields(Entry, fields), fields["similarity"], fields.get("lexical", 0.0))


def _build_from_fields(kind: Any, fields: dict[str, Any]) -> Any:
    """Build a dataclass of type `kind` from `fields`; fields unknown to it are ignored."""
    names = (field.name for field in dataclass_fields(kind))
    return kind(**{name: fields[name] for name in names if name in fields})
