"""Messages between the app and its worker process.

One line each (`engine/wire.py`): requests on the worker's standard input, replies on a descriptor
of its own (llama.cpp writes to 1 and 2). The worker first sends `Ready` (number 0). Every request
except `Cancel` is answered, in order and under its own number, by any number of `Progress`,
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
    """Context length in tokens."""
    trained_context: int
    """Context length that the model was trained for."""
    thinks: bool
    """Whether its family thinks before it answers."""
    device: str
    """Where the layers are loaded, e.g. `CPU, 2 threads` or `CUDA0, 36 of 36 layers`."""
    temperature: float | None = None
    """The file's recommendation (`general.sampling.temp`), if it has one."""
    top_p: float | None = None
    """Likewise (`general.sampling.top_p`)."""
    family: str = ""
    """Name of its family, as in engine/families.toml; `unknown` for others."""
    opening: str = ""
    """The marker that opens its thinking; empty if it does not think."""
    closing: str = ""
    """The marker that closes its thinking; likewise."""
    opened_by: str = ""
    """What opens the thinking, `template` or `rm-local`; likewise."""
    template: str = ""
    """Source of its chat template, in words."""
    efforts: tuple[str, ...] = ()
    """Its levels of reasoning effort; empty if it has none to choose from."""
    converses: bool = True
    """Whether its chat template accepts earlier turns; if not, each question stands alone."""
    kv: Precision = "f16"
    flash_attention: bool = False
    """Whether it is in use; `EngineOptions` may leave the choice to llama.cpp."""
    cache: int = 0
    """Bytes of keys and values for the whole context, as llama.cpp reports them."""
    notes: tuple[str, ...] = ()
    """Deviations from the options or the defaults, in sentences for the user."""
    calculator: bool = False
    """Whether it was trained to leave `<<expression=` to the calculator.

    See docs/design/calculator.md.
    """
    lora: tuple[LoraAdapter, ...] = ()
    """The adapters that it was loaded with, each with the sha256 of its file."""

    @property
    def title(self) -> str:
        """Its name, with the file names of its adapters."""
        adapters = (replace(each, path=PurePath(each.path).name) for each in self.lora)
        return " + ".join([self.name, *map(str, adapters)])


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of the loaded model, from its loading on."""

    prompt: int = 0
    """Prompt tokens evaluated."""
    forced: int = 0
    """Forced tokens evaluated, including repetitions for branches that had to wait for room."""
    reused: int = 0
    """Prompt and forced tokens found in the cache."""
    written: int = 0
    """Tokens that the model wrote, over all branches."""
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    memory: int = 0
    """Peak memory of the worker in bytes; 0 where the system does not report it."""
    calculated: int = 0
    """Tokens inserted by the calculator; not in the other counts, unless they had to be evaluated
    again."""


# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """Load a text generation model in place of the current one."""

    model: str
    options: EngineOptions
    lora: tuple[LoraAdapter, ...] = ()
    """Adapters to load with it; one whose file does not match its sha256 is refused."""


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
    """False = the model answers at once."""
    effort: str = ""
    """One of the model's `efforts`; empty = its template's default."""


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
    """Make room after the open turn's prompt for forced texts, as the option `overflow` allows."""

    texts: tuple[int, ...]
    """Tokens of each text; a text for which no room can be made is ignored."""
    writing: int
    """Tokens reserved for what each branch writes."""


@dataclass(frozen=True, slots=True)
class GetStats:
    """Ask for `Stats`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a waiting or running request, or some of its branches. Has no reply."""

    request: int
    branches: tuple[int, ...] | None
    """None = the whole request."""
    reason: StopReason


# Replies


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported llama.cpp and accepts requests."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Share, 0 to 1, of a model loaded or of a prompt of several batches evaluated."""

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
    """Base64 of the rows in order: float32, little endian."""


@dataclass(frozen=True, slots=True)
class TurnOpened:
    """The prompt is evaluated."""

    tokens: int
    """Of the whole prompt."""
    evaluated: Evaluated
    """The rest was in the cache."""


@dataclass(frozen=True, slots=True)
class TokenChunks:
    """Text that the branches have written since the last such reply."""

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
    """That fit after the open turn's prompt: forced text plus what a branch writes."""


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
