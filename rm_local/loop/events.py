"""What happens in a turn and to its model, in order. Every face draws itself from this stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields as dataclass_fields
from typing import Any, ClassVar, Literal

from rm_local.engine import ContextAdjusted, ContextUsage, TokenChunk
from rm_local.errors import RmLocalError
from rm_local.records import Answer, Branch, Entry, Hit, PrefillStats

Author = Literal["model", "user", "question"]
"""Whose the subproblem is; `question`: the model named none that can be searched for, and the
question stands in for it, without its numbers where there are words left."""


GateReason = Literal["fits", "nothing_fits", "forced"]
"""Why a question gets hits or none: the store has something for it, or nothing, or the plan or a
pinned hit says so."""


@dataclass(frozen=True, slots=True)
class Prefilling:
    """A long prompt is being read."""

    event: ClassVar[str] = "prefilling"
    share: float
    """Of what is to be read, 0 to 1."""
    left: float
    """Seconds that the rest will take, if it goes on so."""


@dataclass(frozen=True, slots=True)
class Gated:
    """It is decided whether the question gets hits; if not, the model answers by itself."""

    event: ClassVar[str] = "gated"
    open: bool
    reason: GateReason
    seconds: float = 0.0
    probability: float | None = None
    """That an entry of the store helps; None where that was not asked."""


@dataclass(frozen=True, slots=True)
class Formulating:
    """A piece of the subproblem, as the model writes it. The first has an empty text."""

    event: ClassVar[str] = "formulating"
    text: str


@dataclass(frozen=True, slots=True)
class Formulated:
    """The subproblem stands."""

    event: ClassVar[str] = "formulated"
    subproblem: str
    seconds: float
    author: Author = "model"
    tokens: int = 0
    """Tokens that the model wrote for it."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits that passed the gate, best first; empty when none did."""

    event: ClassVar[str] = "retrieved"
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model says of one hit."""

    id: int
    """Of the entry."""
    probability: float | None
    """That it helps; None where the model says neither yes nor no."""
    kept: bool


@dataclass(frozen=True, slots=True)
class HitsJudged:
    """The model has judged the hits; those that it does not keep leave the turn."""

    event: ClassVar[str] = "hits_judged"
    judgements: tuple[Judgement, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class HintCut:
    """A hit cannot be read whole: its hint ends at a sentence, or it is left out."""

    event: ClassVar[str] = "hint_cut"
    id: int
    """Of the entry."""
    message: str
    """In a sentence."""
    tokens: int
    """That the whole hint needs; 0 for an entry without text."""
    kept: int
    """Of these, what the model reads; 0: it is left out."""


@dataclass(frozen=True, slots=True)
class BranchStarted:
    """A branch begins, under a hint or under none."""

    event: ClassVar[str] = "branch_started"
    branch: int
    hint: Hit | None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The prompt and the hints are read: the first branch has begun to write."""

    event: ClassVar[str] = "prefilled"
    reading: PrefillStats


@dataclass(frozen=True, slots=True)
class BranchFinished:
    """A branch is done."""

    event: ClassVar[str] = "branch_finished"
    branch: Branch


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn's answer; the last event of a turn that has one."""

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
    """Of the model, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ModelUnloaded:
    """The model's memory was given back because nothing was asked for a while."""

    event: ClassVar[str] = "model_unloaded"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know and that stops nothing."""

    event: ClassVar[str] = "notice"
    text: str


RunEvent = ModelLoading | ModelUnloaded | Notice
"""About the running program: sessions do not save it, and it can also come between two turns."""

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


def failed_event(error: RmLocalError) -> Failed:
    """The event of a turn that ends with this error."""
    return Failed(error.message, error.remedy, error.exit_code)


def event_as_json(event: Event) -> dict[str, Any]:
    """The event as one JSON object of `rm-local ask --json` (docs/reference/events.md)."""
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
    """The hit as one flat JSON object: the entry's fields beside `similarity` and `lexical`."""
    fields = asdict(hit.entry)
    scores = {"similarity": float(hit.similarity), "lexical": float(hit.lexical)}
    return {"id": fields.pop("id"), **scores, **fields}


def event_from_json(fields: dict[str, Any]) -> Event:
    """The event that `as_json` made this object of; fields that it does not know are passed over.

    Raises ValueError, KeyError or TypeError when the object is no event.
    """
    kind = _KINDS.get(fields["event"])
    if kind is None:
        raise ValueError(f"There is no event {fields['event']!r}.")
    if kind is Retrieved:
        return Retrieved(tuple(map(_hit, fields["hits"])), fields["seconds"])
    if kind is HitsJudged:
        judgements = tuple(_known(Judgement, each) for each in fields["judgements"])
        return HitsJudged(judgements, fields["seconds"])
    if kind is Prefilled:
        return Prefilled(_known(PrefillStats, fields))
    if "hint" in fields:
        fields = fields | {"hint": fields["hint"] and _hit(fields["hint"])}
    if kind is BranchFinished:
        return BranchFinished(_known(Branch, fields | {"index": fields["branch"]}))
    if kind is Answered:
        hints = tuple(fields["hints"])
        return Answered(_known(Answer, fields | {"result": fields["answer"], "hints": hints}))
    event: Event = _known(kind, fields)
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


def _hit(fields: dict[str, Any]) -> Hit:
    return Hit(_known(Entry, fields), fields["similarity"], fields.get("lexical", 0.0))


def _known(kind: Any, fields: dict[str, Any]) -> Any:
    """`kind` from those of the fields that it has."""
    names = (field.name for field in dataclass_fields(kind))
    return kind(**{name: fields[name] for name in names if name in fields})
