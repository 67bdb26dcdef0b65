"""What the app and its worker process say to each other.

One line each (`engine/wire.py`): requests on the worker's standard input, replies on a descriptor
of its own (llama.cpp writes to 1 and 2 as it likes). The worker first says `Ready` (number 0).
Every request but `Cancel` is answered, in order and under its own number, by any number of
`Progress`, `Prefilled`, `Pieces`, `Usage`, `Room` and `Ended`, then by one closing reply (`Loaded`,
`EmbedderLoaded`, `Embedded`, `Opened`, `Grown`, `Counted`, `Free`, `Measured` or `Refused`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rm_local.engine.token_probability import Drawn
from rm_local.records import FlashAttention, Overflow, Precision, StopReason

Part = Literal["thinking", "answer"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float = 0.7
    """0 takes the likeliest token each time."""
    top_p: float = 0.95


@dataclass(frozen=True, slots=True)
class BranchSpec:
    """One branch to grow from the open turn's prompt."""

    forced: str
    """Text put behind the prompt, before the model writes on. Data: nothing in it is special."""
    seed: int
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    """Texts that end the branch; the piece that holds one is still sent, up to the text."""
    endless: bool = False
    """Write on where the model would end its turn, up to `max_tokens`: to measure speed."""
    grammar: str = ""
    """What the model says follows this GBNF (docs/constrained.md); empty = it says what it likes.
    Thinking is free: the grammar holds from where it closes."""
    logprobs: int | None = None
    """Likeliest tokens told beside each one written, at most 10; 0 = only the mean of what was
    written, None = nothing."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that a worker has loaded."""

    path: str
    name: str
    architecture: str
    quantisation: str
    parameters: int
    size: int
    """Bytes of the weights."""
    context: int
    """Tokens that one turn can hold."""
    trained_context: int
    thinks: bool
    """Whether its family thinks before it answers."""
    device: str
    """Where the layers really are, e.g. `CPU, 2 threads` or `CUDA0, 36 of 36 layers`."""
    temperature: float | None = None
    """What the file recommends (`general.sampling.temp`), if it does."""
    top_p: float | None = None
    """Likewise (`general.sampling.top_p`)."""
    family: str = ""
    """Name of its family, as in engine/families.toml; `unknown` for others."""
    opening: str = ""
    """What its thinking opens with; empty if it does not think."""
    closing: str = ""
    """What its thinking closes with; likewise."""
    opened_by: str = ""
    """`template` or `rm-local`, whichever opens the thinking; likewise."""
    template: str = ""
    """Where its chat template comes from, in words."""
    efforts: tuple[str, ...] = ()
    """How much it can be told to think; empty where it cannot be told."""
    converses: bool = True
    """Whether its chat template takes earlier turns; if not, each question is asked by itself."""
    kv: Precision = "f16"
    """How keys and values are stored."""
    flash_attention: bool = False
    """Whether attention is computed so."""
    cache: int = 0
    """Bytes of keys and values for the whole context, as llama.cpp reports them."""
    notes: tuple[str, ...] = ()
    """What was done otherwise than asked for or usual, in sentences."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that one branch has just written."""

    branch: int
    part: Part
    text: str
    tokens: int
    """Tokens that the branch has written up to here."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One branch is done."""

    branch: int
    stop: StopReason
    tokens: int
    seconds: float
    """From the first decoding step of the batch to this branch's last."""
    confidence: float | None = None
    """Mean of `Drawn.logprob` over what it wrote, at most 0; None when not asked for, or nothing
    was written."""
    logprobs: tuple[Drawn, ...] = ()
    """All that it wrote, in order, when likeliest tokens were asked for."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a request had to have evaluated before the model could write."""

    prompt: int = 0
    """Tokens evaluated of the prompt."""
    forced: int = 0
    """Tokens evaluated of forced texts; branches that had to wait for room are not in it."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stats:
    """What the loaded model has done since it was loaded."""

    prompt: int = 0
    """Tokens evaluated of prompts."""
    forced: int = 0
    """Tokens evaluated of forced texts (and, again, of branches that had to wait for room)."""
    reused: int = 0
    """Prompt and forced tokens found in the cache, left there by an earlier call."""
    written: int = 0
    """Tokens that the model wrote, over all branches."""
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    memory: int = 0
    """Bytes of the worker's memory at its fullest; 0 where the system does not tell."""

    @property
    def prefill_speed(self) -> float:
        """Prompt and forced tokens evaluated a second."""
        seconds = self.prefill_seconds
        return (self.prompt + self.forced) / seconds if seconds else 0.0

    @property
    def decode_speed(self) -> float:
        """Tokens written a second, all branches together."""
        return self.written / self.decode_seconds if self.decode_seconds else 0.0


# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """Load a text generation model in place of the one before."""

    model: str
    context: int
    """Tokens; 0 = what the model was trained for, at most 16384."""
    threads: int
    """0 = physical cores, or one for a small model."""
    gpu_layers: int
    """-1 = as many as fit."""
    templates: str = ""
    """Folder of the user's own chat templates and families; empty = none."""
    flash_attention: FlashAttention = "auto"
    kv: Precision = "f16"
    """How keys and values are stored; all but f16 need flash attention."""
    check_memory: bool = True
    """Refuse what is reckoned to need more memory than is free."""


@dataclass(frozen=True, slots=True)
class LoadEmbedder:
    """Load a sentence embedder beside the model."""

    path: str
    threads: int


@dataclass(frozen=True, slots=True)
class Embed:
    """Embed texts with the loaded embedder."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """Render the chat template, open the thinking block, evaluate the prompt."""

    messages: tuple[Message, ...]
    thinking: bool = True
    """False = the model is to answer at once."""
    effort: str = ""
    """One of the model's `efforts`; empty = what its template takes by itself."""
    overflow: Overflow = "stop"


@dataclass(frozen=True, slots=True)
class Grow:
    """Grow branches from the open turn's prompt."""

    specs: tuple[BranchSpec, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Count the tokens of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make room behind the open turn's prompt for forced texts, as its `overflow` says."""

    texts: tuple[int, ...]
    """Tokens of each text; one for which no room can be made is left out of account."""
    writing: int
    """Tokens that each branch is to have for what it writes."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Ask for `Stats`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a request, or some branches of it, that waits or runs. Has no reply of its own."""

    request: int
    branches: tuple[int, ...] | None
    """None = the whole request."""
    reason: StopReason


# Replies


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has llama.cpp and takes requests."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far loading is, or reading a prompt that takes several batches: 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class Loaded:
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class EmbedderLoaded:
    dimension: int


@dataclass(frozen=True, slots=True)
class Embedded:
    dimension: int
    vectors: str
    """Base64 of the rows, one after another, float32, little end first."""


@dataclass(frozen=True, slots=True)
class Opened:
    tokens: int
    """Of the whole prompt."""
    read: Read = Read()


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The first branches of a `Grow` begin to write."""

    read: Read


@dataclass(frozen=True, slots=True)
class Pieces:
    """What all branches have written since the last such reply."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """How full the context is."""

    cells: int
    """Tokens in the cache, those that branches share counted once."""
    longest: int
    """Tokens of the longest branch, prompt and forced text with it."""
    context: int
    """Tokens that the cache holds at most; also the most that one branch can come to."""


@dataclass(frozen=True, slots=True)
class Room:
    """The context was full: what was done about it, or why nothing could be."""

    message: str
    """In sentences."""
    dropped: int
    """Turns of the conversation that are now left out, all in all."""
    context: int
    """Tokens that the context now holds."""


@dataclass(frozen=True, slots=True)
class Grown:
    """All branches have ended."""


@dataclass(frozen=True, slots=True)
class Counted:
    tokens: int


@dataclass(frozen=True, slots=True)
class Free:
    tokens: int
    """That fit behind the open turn's prompt, forced text and what a branch writes together."""


@dataclass(frozen=True, slots=True)
class Measured:
    stats: Stats


@dataclass(frozen=True, slots=True)
class Refused:
    """The request came to nothing."""

    error: str
    """Name of a class in `rm_local.errors`."""
    message: str
    remedy: str


Request = Load | LoadEmbedder | Embed | OpenTurn | Grow | Count | MakeRoom | Measure | Cancel
Reply = (
    Ready
    | Progress
    | Loaded
    | EmbedderLoaded
    | Embedded
    | Opened
    | Prefilled
    | Pieces
    | Usage
    | Room
    | Ended
    | Grown
    | Counted
    | Free
    | Measured
    | Refused
)
