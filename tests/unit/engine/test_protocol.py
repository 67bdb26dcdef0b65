"""The lines between the app and the worker."""

from __future__ import annotations

import pytest

from rm_local.engine import protocol, wire
from rm_local.engine.branches import (
    BranchEnded,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    SamplingParameters,
    TokenChunk,
)
from rm_local.engine.protocol import Message, ModelInfo, Stats
from rm_local.options import EngineOptions

INFO = ModelInfo("/m", "n", "qwen3", "Q8_0", 1, 2, 3, 4, True, "CPU, 2 threads", None, 0.9)
MESSAGES: list[protocol.Request | protocol.Reply] = [
    protocol.Load(
        "/m.gguf", EngineOptions(context=512, threads=2, kv_cache_type="q8_0", templates="/t")
    ),
    protocol.LoadEmbedder("/e.gguf", 2),
    protocol.Embed(("a", "b\n\u2028c")),
    protocol.OpenTurn((Message("user", "How?\n\ue000"),)),
    protocol.Generate(
        (BranchSpec("hint", 1, 2, SamplingParameters(0.0, 0.8), ("\n",)), BranchSpec("", 2, 3))
    ),
    protocol.CountTokens("x"),
    protocol.GetStats(),
    protocol.Cancel(3, None, "outvoted"),
    protocol.Cancel(3, (0, 2), "cancelled"),
    protocol.Ready(),
    protocol.Progress(0.5),
    protocol.Loaded(INFO),
    protocol.EmbedderLoaded(384),
    protocol.Embedded(2, "AAAA"),
    protocol.TurnOpened(7, EvaluatedTokenCounts(5, 0, 0.5)),
    EvaluatedTokenCounts(1, 40, 0.25),
    ContextUsage(5, 4, 9),
    ContextOverflowReport("The context was full.", 1, 9),
    protocol.TokenChunks(
        (TokenChunk(0, "thinking", "é\n", 1), TokenChunk(1, "answer", "\ud800", 2, forced=True))
    ),
    BranchEnded(1, "length", 4, 0.25),
    protocol.GenerationDone(),
    protocol.TokenCount(9),
    protocol.StatsReply(Stats(1, 2, 3, 4, 0.5, 0.25)),
    protocol.ErrorReply("ModelNotFoundError", "gone", "look"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives_its_line(message: protocol.Request | protocol.Reply) -> None:
    """A message comes back equal, with its number, from exactly one line of ASCII."""
    line = wire.encode_message(5, message)

    assert line.isascii()
    assert line.index(b"\n") == len(line) - 1
    assert wire.decode_message(line) == (5, message)


@pytest.mark.parametrize(
    "line", [b"", b"llama_model_load: error\n", b"{}\n", b'{"number":1,"kind":"No","body":{}}\n']
)
def test_other_lines_are_refused(line: bytes) -> None:
    """What is no message raises ValueError."""
    with pytest.raises(ValueError, match=r".*"):
        wire.decode_message(line)
