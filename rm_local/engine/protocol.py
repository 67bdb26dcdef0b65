"""Messages between the app and its worker process.

One line each (`engine/wire.py`): requests on the worker's standard input, replies on a descriptor
of its own (llama.cpp writes to 1 and 2 at will). The worker first sends `Ready` (number 0). Every
request but `Cancel` is answered, in order and under its own number, by any number of `Progress`,
`Evaluated`, `TokenChunks`, `ContextUsage`, `ContextAdjusted` and `BranchEnded`, then by one closing
reply (`Loaded`, `EmbedderLoaded`, `Embedded`, `TurnOpened`, `GenerationDone`, `TokenCount`,
`FreeTokens`, `StatsReply` or `ErrorReply`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from rm_local.engine.branches import (
    BranchEnded,
    BranchSpec,
    ContextAdjusted,
    ContextUsage,
    Evaluated,
    TokenChunk,
)
from rm_local.lora import LoraAdapter
from rm_local.options import EngineOptions, Precision
from rm_local.records import StopReason


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


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
    flash_attention: bool = False
    """Whether it is in use, which `EngineOptions` may leave to llama.cpp."""
    cache: int = 0
    """Bytes of keys and values for the whole context, as llama.cpp reports them."""
    notes: tuple[str, ...] = ()
    """What was done otherwise than asked for or usual, in sentences."""
    calculator: bool = False
    """Whether it was trained to leave `<<expression=` to a calculator (docs/calculator.md)."""
    lora: tuple[LoraAdapter, ...] = ()
    """The adapters that it was loaded with, each with the sha256 of its file."""

    @property
    def title(self) -> str:
        """Its name, and those of its adapters' files."""
        adapters = (replace(each, path=PurePath(each.path).name) for each in self.lora)
        return " + ".join([self.name, *map(str, adapters)])


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
    calculated: int = 0
    """Tokens that the calculator put into branches; in none of the other counts, unless they had
    to be evaluated again."""


# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """Load a text generation model in place of the current one."""

    model: str
    options: EngineOptions
    lora: tuple[LoraAdapter, ...] = ()
    """Adapters to load it with; one with a sha256 is refused if its file has another."""


@dataclass(frozen=True, slots=True)
class LoadEmbedder:
    """Load a sentence embedder next to the model."""

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
    """One of the model's `efforts`; empty = the default of its template."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Generate branches from the open turn's prompt."""

    specs: tuple[BranchSpec, ...]


@dataclass(frozen=True, slots=True)
class CountTokens:
    """Count the tokens of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make room behind the open turn's prompt for forced texts, as its `context_overflow` says."""

    texts: tuple[int, ...]
    """Tokens of each text; one for which no room can be made is left out of account."""
    writing: int
    """Tokens that each branch is to have for what it writes."""


@dataclass(frozen=True, slots=True)
class GetStats:
    """Ask for `Stats`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a waiting or running request, or some of its branches. Has no reply of its own."""

    request: int
    branches: tuple[int, ...] | None
    """None = the whole request."""
    reason: StopReason


# Replies


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported llama.cpp and takes requests."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Share, 0 to 1, of a model that is loaded, or of a prompt that takes several batches."""

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
    """Base64 of the rows, one after another, float32, little endian."""


@dataclass(frozen=True, slots=True)
class TurnOpened:
    """The prompt is evaluated."""

    tokens: int
    """Of the whole prompt."""
    evaluated: Evaluated
    """The rest of the prompt was in the cache."""


@dataclass(frozen=True, slots=True)
class TokenChunks:
    """Text that all branches have written since the last such reply."""

    chunks: tuple[TokenChunk, ...]


@dataclass(frozen=True, slots=True)
class GenerationDone:
    """All branches have ended."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    tokens: int


@dataclass(frozen=True, slots=True)
class FreeTokens:
    tokens: int
    """That fit behind the open turn's prompt, forced text and what a branch writes together."""


@dataclass(frozen=True, slots=True)
class StatsReply:
    stats: Stats


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The request failed."""

    error: str
    """Name of a class in `rm_local.errors`."""
    message: str
    remedy: str


Request = (
    Load | LoadEmbedder | Embed | OpenTurn | Generate | CountTokens | MakeRoom | GetStats | Cancel
)
Reply = (
    Ready
    | Progress
    | Loaded
    | EmbedderLoaded
    | Embedded
    | TurnOpened
    | Evaluated
    | TokenChunks
    | ContextUsage
    | ContextAdjusted
    | BranchEnded
    | GenerationDone
    | TokenCount
    | FreeTokens
    | StatsReply
    | ErrorReply
)
