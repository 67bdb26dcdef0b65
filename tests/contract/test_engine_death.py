"""A real worker that is killed, cannot load, cannot start, or whose app is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.engine import protocol, wire
from rm_local.engine.branches import BranchEnded, BranchSpec
from rm_local.engine.client import Engine
from rm_local.errors import EngineError, InvalidModelError, ModelNotFoundError, WorkerCrashedError
from rm_local.options import EngineOptions
from tests.support import tiny_gguf
from tests.support.engines import QUESTION, first_text, grown


async def test_a_killed_worker_is_an_error_and_the_next_load_works(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """SIGKILL in the middle of an answer is explained, with the log; a new worker answers."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    growing = engine.generate_branches([BranchSpec("", n, 1900, endless=True) for n in range(8)])
    await first_text(growing)
    assert engine.worker_pid

    os.kill(engine.worker_pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashedError, match="killed") as caught:
        async for _ in growing:
            pass
    with pytest.raises(WorkerCrashedError):
        await engine.count_tokens("x")

    assert "SIGKILL" in caught.value.message
    assert str(tmp_path / "logs" / "worker.log") in caught.value.remedy
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].branch == 0


async def test_files_that_are_no_model_leave_the_worker_alive(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """Missing, another kind of file, cut short: each its own error, and a good file loads after."""
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:100_000])
    odd = tiny_gguf.write(tmp_path / "odd.gguf", architecture="qwen99")

    with pytest.raises(ModelNotFoundError, match="does not exist"):
        await engine.load_model(tmp_path / "none.gguf")
    with pytest.raises(InvalidModelError, match="not a GGUF"):
        await engine.load_model(text)
    with pytest.raises(InvalidModelError, match="cut short"):
        await engine.load_model(cut)
    with pytest.raises(InvalidModelError, match="qwen99"):
        await engine.load_model(odd)
    assert engine.info is None
    assert (await engine.load_model(tiny)).name == "tiny"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("raise ImportError('no such library')", "cannot be used: no such library"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "instructions"),
    ],
)
async def test_a_broken_llama_cpp_points_to_the_doctor(
    engine: Engine,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    words: str,
) -> None:
    """An import that fails, or that kills the process, is an error that says where to look."""
    package = tmp_path / "broken" / "llama_cpp"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(broken)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))

    with pytest.raises(EngineError, match=words) as caught:
        await engine.load_model(tiny)

    assert not isinstance(caught.value, WorkerCrashedError)
    assert "rm-local doctor" in caught.value.remedy


def test_the_worker_ends_with_the_app(tiny: Path, tmp_path: Path) -> None:
    """When its input closes, as when the app is killed, the worker ends in the middle of work."""
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "rm_local.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert worker.stdin
    assert worker.stdout
    specs = tuple(BranchSpec("", n, 2000, endless=True) for n in range(32))
    requests: tuple[protocol.Request, ...] = (
        protocol.Load(str(tiny), EngineOptions(threads=1)),
        protocol.OpenTurn(tuple(QUESTION)),
        protocol.Generate(specs),
    )
    for number, request in enumerate(requests, 1):
        worker.stdin.write(wire.encode_message(number, request))
    worker.stdin.flush()
    while not isinstance(wire.decode_message(worker.stdout.readline())[1], protocol.TokenChunks):
        pass

    worker.stdin.close()

    with worker.stdout:
        replies = [wire.decode_message(line)[1] for line in worker.stdout]
    assert worker.wait() == 0
    assert not any(isinstance(reply, BranchEnded | protocol.GenerationDone) for reply in replies)
