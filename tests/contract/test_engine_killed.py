"""A real worker that is killed at its work, as a system short of memory does it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rm_local.engine.branches import BranchSpec
from rm_local.engine.client import Engine
from rm_local.engine.process import Replies, WorkerProcess
from rm_local.engine.protocol import Embed, Message, Request
from rm_local.errors import WorkerCrashedError
from tests.support.engines import QUESTION, first_text, grown, kill, killed_loading

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
LONG = [Message("user", "Is a sum of sums a sum? " * 300)]


async def works(engine: Engine, model: Path) -> bool:
    """Whether a new worker loads this model and writes with it."""
    await engine.load_model(model)
    await engine.open_turn(QUESTION)
    return (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].tokens > 0


async def test_a_kill_while_loading_names_the_file(engine: Engine, large: Path, tiny: Path) -> None:
    """The message names the file; no model is loaded; the same and another load after."""
    error = await killed_loading(engine, large)

    assert "SIGKILL" in error.message
    assert str(large) in error.message
    assert engine.info is None
    assert await works(engine, tiny)
    assert await works(engine, large)


async def test_a_kill_while_reading_a_question_ends_only_that_turn(
    engine: Engine, large: Path, tiny: Path
) -> None:
    """The turn is lost, the next one is answered, by another model too."""
    await engine.load_model(large)

    with pytest.raises(WorkerCrashedError, match="SIGKILL") as caught:
        # Reported after the first of many batches.
        await engine.open_turn(LONG, on_progress=lambda _: kill(engine))

    assert "Ask again" in caught.value.remedy
    assert await works(engine, large)
    assert await works(engine, tiny)


async def test_a_kill_while_writing_ends_all_branches_with_one_error(
    engine: Engine, large: Path, tiny: Path
) -> None:
    """All branches end with the one error."""
    await engine.load_model(large)
    await engine.open_turn(QUESTION)

    growing = engine.generate_branches([BranchSpec("", n, 4000, endless=True) for n in range(8)])
    await first_text(growing)
    kill(engine)
    with pytest.raises(WorkerCrashedError, match="SIGKILL"):
        async for _ in growing:
            pass

    assert await works(engine, tiny)


async def test_a_kill_while_embedding_restarts_the_embedder(
    engine: Engine, weights: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedder is loaded again with the next text; a model can be loaded too."""
    ask, texts_asked = WorkerProcess.send_request, list[int]()

    def ask_and_kill(process: WorkerProcess, request: Request) -> tuple[int, Replies]:
        answers = ask(process, request)
        if isinstance(request, Embed):
            texts_asked.append(len(request.texts))
            if len(texts_asked) == 2:
                kill(engine)
        return answers

    monkeypatch.setattr(WorkerProcess, "send_request", ask_and_kill)
    monkeypatch.setattr("rm_local.engine.client._MAX_TEXTS", 8)
    await engine.load_embedder(weights)
    texts = ["How do I add two fractions with different denominators? " * 8] * 24

    with pytest.raises(WorkerCrashedError, match="SIGKILL"):
        await engine.embed(texts)

    assert len(texts_asked) == 2, "the third request was not made any more"
    assert (await engine.embed(["add fractions"])).shape == (1, 384)
    assert await works(engine, tiny)
