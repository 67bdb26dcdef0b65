"""The events of a turn and of the running program, and their conversion to and from JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields as dataclass_fields
from typing import Any, ClassVar, Literal

from rm_local.engine import ContextOverflowReport, ContextUsage, TokenChunk
from rm_local.errors import RmLocalError
from rm_local.records import Answer, Branch, Entry, EntryKey, Hit, PrefillStats

Author = Literal["model", "user", "question"]
"""Who wrote the subproblem. `question`: the model wrote no usable one, so the question is used in
its place, without numbers if enough words remain."""


GateReason = Literal["fits", "nothing_fits", "forced"]
"""Reason for the gate's decision: the store has an entry for the question (`fits`), it has none
(`nothing_fits`), or the plan or a pinned hit decides (`forced`)."""


@dataclass(frozen=True, slots=True)
class Prefilling:
    """Event: progress of the evaluation of a long prompt."""

    event: ClassVar[str] = "prefilling"
    share: float
    """Evaluated share of the prompt, 0 to 1."""
    left: float
    """Estimated seconds until the whole prompt is evaluated."""


@dataclass(frozen=True, slots=True)
class GateDecided:
    """Event: the decision whether the question gets hits; otherwise the model answers alone."""

    event: ClassVar[str] = "gated"
    open: bool
    """Whether the question gets hits."""
    reason: GateReason
    seconds: float = 0.0
    probability: float | None = None
    """Estimated probability that an entry of the store helps; None if it was not estimated."""


@dataclass(frozen=True, slots=True)
class Formulating:
    """Event: the model wrote a piece of the subproblem; the first event has an empty text."""

    event: ClassVar[str] = "formulating"
    text: str


@dataclass(frozen=True, slots=True)
class Formulated:
    """Event: the subproblem is known; with its author, and the time and tokens that it took."""

    event: ClassVar[str] = "formulated"
    subproblem: str
    seconds: float
    author: Author = "model"
    tokens: int = 0
    """Number of tokens that the model wrote for the subproblem."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the search is done; its hits are the pinned ones, then those found, best first."""

    event: ClassVar[str] = "retrieved"
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class HitJudgement:
    """One item of the event `HitsJudged`: the model's verdict whether one hit helps."""

    id: int
    """Id of the entry."""
    probability: float | None
    """Probability that the hit helps; None if the model says neither yes nor no."""
    kept: bool
    """Whether the hit is used as a hint."""
    store: str = ""
    """Name of the entry's store; empty if only one store is searched."""

    @property
    def key(self) -> EntryKey:
        """Identity of the entry among the stores that are searched together."""
        return EntryKey(self.store, self.id)


@dataclass(frozen=True, slots=True)
class HitsJudged:
    """Event: the model has judged the hits; the turn continues with the kept hits only."""

    event: ClassVar[str] = "hits_judged"
    judgements: tuple[HitJudgement, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class HintCutOrLeftOut:
    """Event: a hint is cut after a sentence or left out; it is too long, or its entry is empty."""

    event: ClassVar[str] = "hint_cut"
    id: int
    """Id of the entry."""
    message: str
    """A sentence for the user that describes the cut."""
    tokens: int
    """Number of tokens of the whole hint; 0 for an entry without text."""
    kept: int
    """Number of tokens that the model reads; 0 = the hint is left out."""
    store: str = ""
    """Name of the entry's store; empty if only one store is searched."""


@dataclass(frozen=True, slots=True)
class BranchStarted:
    """Event: the generation of a branch begins."""

    event: ClassVar[str] = "branch_started"
    branch: int
    """Index of the branch in the turn, from 0."""
    hint: Hit | None
    """The hit that the branch reads; None without a hint."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prefilled:
    """Event: prompt and hints are evaluated, and the first branch writes; with statistics."""

    event: ClassVar[str] = "prefilled"
    reading: PrefillStats


@dataclass(frozen=True, slots=True)
class BranchFinished:
    """Event: a branch has ended; with its complete record."""

    event: ClassVar[str] = "branch_finished"
    branch: Branch


@dataclass(frozen=True, slots=True)
class Answered:
    """Event: the turn has its answer; always the last event of the turn."""

    event: ClassVar[str] = "answered"
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """Event: the turn ended without an answer, with this error; always its last event."""

    event: ClassVar[str] = "failed"
    message: str
    remedy: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """Event: progress of loading the model into memory."""

    event: ClassVar[str] = "model_loading"
    share: float
    """Loaded share of the model, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ModelUnloaded:
    """Event: the model was unloaded, for example after some time without a question."""

    event: ClassVar[str] = "model_unloaded"


@dataclass(frozen=True, slots=True)
class Notice:
    """Event: a message to the user that does not interrupt the turn."""

    event: ClassVar[str] = "notice"
    text: str


RunEvent = ModelLoading | ModelUnloaded | Notice
"""An event of the running program; it can occur between turns, and sessions do not save it."""

TurnEvent = (
    GateDecided
    | Prefilling
    | Formulating
    | Formulated
    | Retrieved
    | HintCutOrLeftOut
    | HitsJudged
    | BranchStarted
    | Prefilled
    | TokenChunk
    | BranchFinished
    | ContextUsage
    | ContextOverflowReport
    | Answered
    | Failed
)
"""An event of one turn; sessions save it."""

Event = TurnEvent | RunEvent


def make_failed_event(error: RmLocalError) -> Failed:
    """Create the event for the end of a turn by this error."""
    return Failed(error.message, error.remedy, error.exit_code)


def event_as_json(event: Event) -> dict[str, Any]:
    """Convert an event to its JSON object, as `rm-local ask --json` prints it and sessions save it.

    docs/reference/events.md describes the fields.
    """
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
            fields = {"answer": fields.pop("result")} | fields
            fields |= {"hints": list(answer.hints), "hint_stores": list(answer.hint_stores)}
        case _:
            fields = asdict(event)
    return {"event": event.event, **fields}


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """Convert a hit to a flat JSON object: scores, words, the fields of its entry, its store."""
    fields = asdict(hit.entry)
    scores = {"similarity": float(hit.similarity), "lexical": float(hit.lexical)}
    found = {"words": list(hit.words), **fields, "store": hit.store}
    return {"id": found.pop("id"), **scores, **found}


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
        judgements = tuple(
            _build_ignoring_unknown_fields(HitJudgement, each) for each in fields["judgements"]
        )
        return HitsJudged(judgements, fields["seconds"])
    if kind is Prefilled:
        return Prefilled(_build_ignoring_unknown_fields(PrefillStats, fields))
    if "hint" in fields:
        fields = fields | {"hint": fields["hint"] and _hit_from_json(fields["hint"])}
    if kind is BranchFinished:
        return BranchFinished(
            _build_ignoring_unknown_fields(Branch, fields | {"index": fields["branch"]})
        )
    if kind is Answered:
        hints, stores = tuple(fields["hints"]), tuple(fields.get("hint_stores", ()))
        fields = fields | {"result": fields["answer"], "hints": hints, "hint_stores": stores}
        return Answered(_build_ignoring_unknown_fields(Answer, fields))
    event: Event = _build_ignoring_unknown_fields(kind, fields)
    return event


_KINDS: dict[str, Any] = {
    kind.event: kind
    for kind in (
        GateDecided, Prefilling, Formulating, Formulated, Retrieved, HintCutOrLeftOut, HitsJudged,
        BranchStarted, Prefilled, TokenChunk, BranchFinished, ContextUsage, ContextOverflowReport,
        Answered, Failed, ModelLoading, ModelUnloaded, Notice,
    )
}  # fmt: skip


def _hit_from_json(fields: dict[str, Any]) -> Hit:
    """Convert a JSON object of `hit_as_json` to its hit."""
    entry, lexical = _build_ignoring_unknown_fields(Entry, fields), fields.get("lexical", 0.0)
    store, words = fields.get("store", ""), tuple(fields.get("words", ()))
    return Hit(entry, fields["similarity"], lexical, store, words)


def _build_ignoring_unknown_fields(kind: Any, fields: dict[str, Any]) -> Any:
    """Build a dataclass of type `kind` from `fields`; fields unknown to it are ignored."""
    names = (field.name for field in dataclass_fields(kind))
    return kind(**{name: fields[name] for name in names if name in fields})
