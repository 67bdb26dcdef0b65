"""Messages between the app and its worker process.

Each message is one line (`engine/wire.py`). Requests are sent to the worker's standard input, and
replies on a separate descriptor, because llama.cpp writes to 1 and 2. The worker first sends
`Ready` (number 0). Requests are answered in order, and each reply has the number of its request:
any number of `Progress`, `EvaluatedTokenCounts`, `TokenChunks`, `ContextUsage`,
`ContextOverflowReport` and `BranchEnded`, then one last reply (`Loaded`, `EmbedderLoaded`,
`Embedded`, `TurnOpened`, `GenerationDone`, `TokenCount`, `FreeTokenCount`, `StatsReply` or
`ErrorReply`). `Cancel` has no reply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from rm_local.engine.branches import (
    BranchEnded,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
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
    """The description of the model that is loaded in a worker."""

    path: str
    name: str
    architecture: str
    quantisation: str
    parameters: int
    size: int
    """Bytes of the model's weights."""
    context: int
    """Context length with which the model is loaded, in tokens."""
    trained_context: int
    """Context length in training, in tokens."""
    thinks: bool
    """Whether the model thinks before it answers."""
    device: str
    """Device of the layers, for example `CPU, 2 threads` or `CUDA0, 36 of 36 layers`."""
    temperature: float | None = None
    """Temperature recommended by the file (`general.sampling.temp`); None if it states none."""
    top_p: float | None = None
    """Top-p recommended by the file (`general.sampling.top_p`); None if it states none."""
    family: str = ""
    """Name of the model's family in families.toml; `unknown` for other models."""
    opening: str = ""
    """The opening marker of thinking; empty if the model does not think."""
    closing: str = ""
    """The closing marker of thinking; empty if the model does not think."""
    opened_by: str = ""
    """Source of the opening marker: `template` or `rm-local`; empty if the model does not think."""
    template: str = ""
    """Source of the chat template, as words for the user."""
    efforts: tuple[str, ...] = ()
    """The levels of reasoning effort; empty if the model has no such levels."""
    converses: bool = True
    """Whether the chat template accepts earlier turns; if not, prompts have one question only."""
    kv: Precision = "f16"
    """Number format of the keys and values in the cache."""
    flash_attention: bool = False
    """Whether flash attention is in use; with the option `auto`, llama.cpp decides."""
    cache: int = 0
    """Bytes of keys and values for the whole context, as reported by llama.cpp."""
    notes: tuple[str, ...] = ()
    """Differences from the options or the defaults, as sentences for the user."""
    calculator: bool = False
    """Whether the model was trained with the calculator: it writes `<<expression=`.

    See docs/design/calculator.md.
    """
    lora: tuple[LoraAdapter, ...] = ()
    """The adapters that are applied to the model, each with the sha256 of its file."""

    @property
    def title_with_adapters(self) -> str:
        """The model's name, with the file names of its adapters."""
        adapters = (replace(each, path=PurePath(each.path).name) for each in self.lora)
        return " + ".join([self.name, *map(str, adapters)])


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of tokens, and computing times, since the model was loaded."""

    prompt: int = 0
    """Number of prompt tokens evaluated."""
    forced: int = 0
    """Number of forced tokens evaluated, with those evaluated again because the cache was full."""
    reused: int = 0
    """Number of prompt and forced tokens that were found in the cache."""
    written: int = 0
    """Number of tokens written by the model in all branches."""
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    memory: int = 0
    """Peak memory of the worker in bytes; 0 where the system does not report it."""
    calculated: int = 0
    """Number of tokens inserted by the calculator. They are not part of the other counts, unless
    they were evaluated again."""


# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """The request to load a text generation model in place of the current one."""

    model: str
    options: EngineOptions
    lora: tuple[LoraAdapter, ...] = ()
    """Adapters to apply to the model; a file that does not match its sha256 is refused."""
    name: str = ""
    """The model's name for the user; empty = as in the file."""


@dataclass(frozen=True, slots=True)
class LoadEmbedder:
    """The request to load a sentence embedder, in addition to the model."""

    path: str
    threads: int
    """Number of threads; 0 = chosen by the embedder's size."""


@dataclass(frozen=True, slots=True)
class Embed:
    """The request to embed texts with the loaded embedder."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The request to open a turn: render the chat template, and evaluate the prompt."""

    messages: tuple[Message, ...]
    thinking: bool = True
    """Whether to open the thinking block; False = the model answers without thinking."""
    effort: str = ""
    """One of the model's `efforts`; empty = its template's default."""


@dataclass(frozen=True, slots=True)
class Generate:
    """The request to generate branches from the open turn's prompt."""

    specs: tuple[BranchSpec, ...]


@dataclass(frozen=True, slots=True)
class CountTokens:
    """The request to count the tokens of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """The request to make room in the context for forced texts, if `context_overflow` allows."""

    texts: tuple[int, ...]
    """Number of tokens of each text."""
    writing: int
    """Number of tokens that each branch writes after its text."""


@dataclass(frozen=True, slots=True)
class GetStats:
    """The request for the statistics of the loaded model (`Stats`)."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The message that cancels a waiting or running request, or some of its branches. No reply."""

    request: int
    """Number of the request to cancel."""
    branches: tuple[int, ...] | None
    """Numbers of the branches to cancel; None = the whole request."""
    reason: StopReason


# Replies


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's first message: it has imported llama.cpp, and accepts requests."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The report of the share, 0 to 1, of a model that is loaded or a prompt that is evaluated."""

    share: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """The reply that the model is loaded, with its description."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class EmbedderLoaded:
    """The reply that the embedder is loaded, with the dimension of its vectors."""

    dimension: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """The reply with the vectors of embedded texts."""

    dimension: int
    vectors: str
    """The vectors of the texts in order, as Base64 of little-endian float32 numbers."""


@dataclass(frozen=True, slots=True)
class TurnOpened:
    """The reply that a turn is open: its prompt is evaluated, and branches can be generated."""

    tokens: int
    """Number of tokens of the whole prompt."""
    evaluated: EvaluatedTokenCounts
    """Counts of the tokens that were evaluated; the other tokens were in the cache."""


@dataclass(frozen=True, slots=True)
class TokenChunks:
    """The report with the text that branches have written since the last `TokenChunks`."""

    chunks: tuple[TokenChunk, ...]


@dataclass(frozen=True, slots=True)
class GenerationDone:
    """The reply that all branches have ended."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The reply to `CountTokens`, with the number of tokens of the text."""

    tokens: int


@dataclass(frozen=True, slots=True)
class FreeTokenCount:
    """The reply to `MakeRoom`, with the room that there is now."""

    tokens: int
    """Number of tokens that fit after the open turn's prompt: forced and written together."""


@dataclass(frozen=True, slots=True)
class StatsReply:
    """The reply to `GetStats`, with the statistics of the loaded model."""

    stats: Stats


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The reply that a request failed, with the error to raise in the client."""

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
    | EvaluatedTokenCounts
    | TokenChunks
    | ContextUsage
    | ContextOverflowReport
    | BranchEnded
    | GenerationDone
    | TokenCount
    | FreeTokenCount
    | StatsReply
    | ErrorReply
)
