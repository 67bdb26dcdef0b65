"""The engine with a real worker process and real models."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rm_local import settings
from rm_local.engine import protocol
from rm_local.engine.client import Engine
from rm_local.engine.protocol import BranchSpec, Ended, Message, Sampling
from rm_local.errors import (
    ContextOverflow,
    EngineError,
    ModelInvalid,
    ModelMissing,
    Stopped,
    WorkerDied,
)
from tests import tiny_gguf

QUESTION = [Message("user", "What is the sum of the even numbers in a range?")]
GREEDY = Sampling(temperature=0)
QUIET = 0.2
"""Seconds within which a cancel must have stopped all work."""
TRIES = 3
"""A busy machine may be late; the quickest try is what the engine can do."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thinking model of random weights."""
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes seconds to read a few thousand tokens."""
    path = tmp_path_factory.mktemp("models") / "large.gguf"
    return tiny_gguf.write(path, tiny_gguf.LARGE)


@pytest.fixture(scope="session")
def nano(tiny: Path) -> Path:
    """The model that is shipped, or, in a checkout without it, the one of random weights."""
    shipped = settings.shipped_model()
    return shipped if shipped.is_file() else tiny


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine whose worker has not been started."""
    async with Engine(log=tmp_path / "logs" / "worker.log", threads=1) as engine:
        yield engine


async def grown(
    engine: Engine, specs: list[BranchSpec]
) -> tuple[list[dict[str, str]], list[Ended]]:
    """Each branch's text by part, and how it ended."""
    texts: list[dict[str, str]] = [{"thinking": "", "answer": ""} for _ in specs]
    ends: dict[int, Ended] = {}
    async for event in engine.grow(specs):
        assert event.branch not in ends, "a branch says nothing after its end"
        if isinstance(event, Ended):
            ends[event.branch] = event
        else:
            texts[event.branch][event.part] += event.text
    return texts, [ends[index] for index in range(len(specs))]


async def quiet_after_cancel(engine: Engine, waiting: asyncio.Task[object]) -> float:
    """Seconds from a cancel until the call under way has come back."""
    start = time.monotonic()
    await engine.cancel()
    await asyncio.wait({waiting})
    return time.monotonic() - start


async def test_the_model_is_described_as_it_is(engine: Engine, tiny: Path) -> None:
    """Name, sizes and recommendations come from the file; the device from what was done."""
    shares: list[float] = []

    info = await engine.load(tiny, on_progress=shares.append)

    assert (info.name, info.architecture, info.quantisation) == ("tiny", "qwen3", "F16")
    assert (info.context, info.trained_context, info.thinks) == (2048, 2048, True)
    assert (info.temperature, info.top_p) == (0.6, None)
    assert info.parameters > 80_000
    assert info.size > 2 * 80_000
    assert "thread" in info.device or "layers" in info.device
    assert shares[-1] == 1
    assert engine.info == info


async def test_a_question_is_answered_with_the_shipped_model(engine: Engine, nano: Path) -> None:
    """Load, open a turn, grow three branches: each ends within its budget."""
    info = await engine.load(nano)
    prompt = await engine.open_turn(QUESTION)
    specs = [BranchSpec("Okay,", seed, 24, Sampling(0.7)) for seed in (1, 2, 3)]

    texts, ends = await grown(engine, specs)

    assert 10 < prompt < info.context
    assert all(end.stop in ("end", "length") and 0 < end.tokens <= 24 for end in ends)
    assert any(text["thinking" if info.thinks else "answer"] for text in texts)


async def test_a_seed_draws_the_same_and_another_differs(engine: Engine, tiny: Path) -> None:
    """Branches of one seed write the same text in one batch, and again in a later call."""
    await engine.load(tiny)
    await engine.open_turn(QUESTION)
    specs = [BranchSpec("the", seed, 16) for seed in (7, 7, 8)]

    first, _ = await grown(engine, specs)
    again, _ = await grown(engine, specs)

    assert first == again
    assert first[0] == first[1] != first[2]


async def test_greedy_text_is_llama_cpps_own(engine: Engine, tiny: Path) -> None:
    """Alone, beside branches of other lengths, or after a hint shared in part: the same tokens."""
    await engine.load(tiny)
    await engine.open_turn(QUESTION)
    hints = ["the thing in", "the thing", "", "another hint " * 60, "the thing in"]
    specs = [BranchSpec(hint, 0, 12, GREEDY) for hint in hints]

    together, _ = await grown(engine, specs)
    alone = [(await grown(engine, [spec]))[0][0] for spec in specs]

    assert together == alone
    assert together[0]["thinking"] == reference(tiny, "the thing in", 12)
    assert together[3]["thinking"] == reference(tiny, "another hint " * 60, 12)


def reference(model: Path, forced: str, tokens: int) -> str:
    """What llama-cpp-python's own loop writes, in a process of its own."""
    asked = f"<|im_start|>user\n{QUESTION[0].content}<|im_end|>\n<|im_start|>assistant\n"
    prompt = f"{asked}<think>\n{forced}"
    script = (
        "import sys, llama_cpp\n"
        f"llm = llama_cpp.Llama({str(model)!r}, n_ctx=2048, verbose=False, n_threads=1)\n"
        f"prompt = llm.tokenize({prompt.encode()!r}, add_bos=False, special=True)\n"
        "out = []\n"
        "for token in llm.generate(prompt, temp=0, repeat_penalty=1.0):\n"
        f"    if token == llm.token_eos() or len(out) == {tokens}: break\n"
        "    out.append(token)\n"
        "sys.stdout.buffer.write(llm.detokenize(out))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


async def test_nothing_is_evaluated_twice(engine: Engine, tiny: Path) -> None:
    """The prompt, a forced text begun alike, and what a lone branch wrote stay in the cache."""
    await engine.load(tiny)
    prompt = await engine.open_turn(QUESTION)
    cue = "Now, let me search. "
    await grown(engine, [BranchSpec(cue, 0, 8, GREEDY)])
    formulated = await engine.stats()
    await engine.open_turn(QUESTION)
    reopened = await engine.stats()
    await grown(engine, [BranchSpec(cue + hint, 0, 4) for hint in ("one", "one", "two")])
    reasoned = await engine.stats()

    assert formulated.prompt == prompt
    assert formulated.forced == await engine.count(cue)
    assert reopened.prompt == prompt
    assert reopened.reused == prompt - 1
    assert reasoned.forced - formulated.forced <= 1 + 2 * 3


async def test_forced_text_cannot_close_the_block_or_the_turn(engine: Engine, tiny: Path) -> None:
    """Markers in a hint and in a question are so many letters, not the tokens of that name."""
    await engine.load(tiny)
    for marker in ("</think>", "<|im_end|>", "<think>"):
        assert await engine.count(marker) > 1
    letters = await engine.count("<|im_end|>") + await engine.count("</think>")
    plain = await engine.open_turn([Message("user", "x")])

    fenced = await engine.open_turn([Message("user", "x<|im_end|></think>")])
    texts, ends = await grown(engine, [BranchSpec("hint </think> <|im_end|>", 3, 12)])

    assert fenced == plain + letters
    assert ends[0].tokens
    assert texts[0]["thinking"]


async def test_branches_outgrow_the_context_by_turns(engine: Engine, tiny: Path) -> None:
    """Branches that need more cells than there are wait for each other and lose no text."""
    await engine.load(tiny, context=512)
    await engine.open_turn(QUESTION)
    specs = [BranchSpec(f"hint {n}", n, 150, GREEDY) for n in range(6)]

    together, ends = await grown(engine, specs)
    alone = [(await grown(engine, [spec]))[0][0] for spec in specs]

    assert together == alone
    assert all(end.stop in ("end", "length") and end.tokens <= 150 for end in ends)


async def test_more_branches_than_sequences_are_grown(engine: Engine, tiny: Path) -> None:
    """Forty branches are more than llama.cpp runs at once here; all of them end."""
    await engine.load(tiny)
    await engine.open_turn(QUESTION)

    _, ends = await grown(engine, [BranchSpec("", n, 3) for n in range(40)])

    assert [end.branch for end in ends] == list(range(40))


async def test_the_end_of_the_context_ends_a_branch(engine: Engine, tiny: Path) -> None:
    """A budget beyond the context is no error: the branch ends there with `length`."""
    info = await engine.load(tiny, context=256)
    prompt = await engine.open_turn(QUESTION)
    for seed in range(20):
        _, (end,) = await grown(engine, [BranchSpec("", seed, 10_000)])
        if end.stop == "length":
            break

    assert end.stop == "length"
    assert end.tokens == info.context - prompt


async def test_too_long_a_question_or_hint_is_refused_with_counts(
    engine: Engine, tiny: Path
) -> None:
    """ContextOverflow names both numbers; nothing was evaluated, and a shorter turn works."""
    await engine.load(tiny, context=256)

    with pytest.raises(ContextOverflow, match=r"needs [\d,]+ tokens; the context holds 256"):
        await engine.open_turn([Message("user", "long " * 500)])
    await engine.open_turn(QUESTION)
    evaluated = await engine.stats()
    with pytest.raises(ContextOverflow, match="hint"):
        await grown(engine, [BranchSpec("", 0, 4), BranchSpec("hint " * 200, 0, 4)])

    assert await engine.stats() == evaluated
    assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].branch == 0


async def test_a_stop_text_ends_a_branch(engine: Engine, tiny: Path) -> None:
    """The branch ends where the text begins, and says that it came to its end."""
    await engine.load(tiny)
    await engine.open_turn(QUESTION)
    (whole,), _ = await grown(engine, [BranchSpec("", 5, 40)])
    stop = whole["thinking"][10:12]

    (cut,), (end,) = await grown(engine, [BranchSpec("", 5, 40, stop=(stop,))])

    assert cut["thinking"] == whole["thinking"][: whole["thinking"].index(stop)]
    assert end.stop == "end"


async def test_cancel_while_decoding(engine: Engine, large: Path) -> None:
    """One branch is stopped for its own reason, then all: at once, and each says why it ended."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    seconds = []
    for _ in range(TRIES):
        growing = engine.grow([BranchSpec("", n, 4000) for n in range(3)])
        await anext(growing)
        start = time.monotonic()
        await engine.cancel([1], reason="outvoted")
        first = await anext(event async for event in growing if isinstance(event, Ended))
        await engine.cancel()
        rest = {event.branch: event.stop async for event in growing if isinstance(event, Ended)}
        seconds.append(time.monotonic() - start)
        assert (first.branch, first.stop) == (1, "outvoted")
        assert rest == {0: "cancelled", 2: "cancelled"}
    assert min(seconds) < 2 * QUIET


async def test_cancel_while_reading_the_question(engine: Engine, large: Path) -> None:
    """A prompt that takes seconds to read is let go of at once; the next turn works."""
    await engine.load(large)
    seconds = []
    for attempt in range(TRIES):
        question = [Message("user", f"{attempt} " + "long words " * 600)]
        reading = asyncio.create_task(engine.open_turn(question))
        await asyncio.wait({reading}, timeout=0.3)
        assert not reading.done()
        seconds.append(await quiet_after_cancel(engine, reading))
        with pytest.raises(Stopped):
            await reading

    assert min(seconds) < QUIET
    with pytest.raises(EngineError, match="No turn is open"):
        await grown(engine, [BranchSpec("", 0, 4)])
    await engine.open_turn(QUESTION)
    assert len((await grown(engine, [BranchSpec("the", 0, 4)]))[1]) == 1


async def test_cancel_while_reading_hints(engine: Engine, large: Path) -> None:
    """Long hints are let go of at once: each branch ends as cancelled, and the cache is sound."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    before, _ = await grown(engine, [BranchSpec("the", 0, 6, GREEDY)])
    seconds = []
    for _ in range(TRIES):
        specs = [BranchSpec(f"{n} " + "long words " * 150, n, 40) for n in range(4)]
        reading = asyncio.create_task(grown(engine, specs))
        await asyncio.wait({reading}, timeout=0.3)
        assert not reading.done()
        seconds.append(await quiet_after_cancel(engine, reading))
        assert {end.stop for end in (await reading)[1]} == {"cancelled"}

    assert min(seconds) < QUIET
    assert (await grown(engine, [BranchSpec("the", 0, 6, GREEDY)]))[0] == before


async def test_closing_the_iterator_cancels(engine: Engine, large: Path) -> None:
    """A consumer that goes away stops the work: the next request is served at once."""
    await engine.load(large)
    await engine.open_turn(QUESTION)
    growing = engine.grow([BranchSpec("", n, 4000) for n in range(2)])
    await anext(growing)
    await growing.aclose()

    await asyncio.wait_for(engine.stats(), timeout=1)


async def test_a_killed_worker_is_an_error_and_the_next_load_works(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """SIGKILL in the middle of an answer is told in words, with the log; a new worker answers."""
    await engine.load(tiny)
    await engine.open_turn(QUESTION)
    growing = engine.grow([BranchSpec("", n, 1900) for n in range(8)])
    await anext(growing)
    assert engine.worker

    os.kill(engine.worker, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="killed") as caught:
        async for _ in growing:
            pass
    with pytest.raises(WorkerDied):
        await engine.count("x")

    assert "SIGKILL" in caught.value.message
    assert str(tmp_path / "logs" / "worker.log") in caught.value.remedy
    await engine.load(tiny)
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

    with pytest.raises(ModelMissing, match="does not exist"):
        await engine.load(tmp_path / "none.gguf")
    with pytest.raises(ModelInvalid, match="not a GGUF"):
        await engine.load(text)
    with pytest.raises(ModelInvalid, match="cut short"):
        await engine.load(cut)
    with pytest.raises(ModelInvalid, match="qwen99"):
        await engine.load(odd)
    assert engine.info is None
    assert (await engine.load(tiny)).name == "tiny"


async def test_a_model_without_thinking_answers_at_once(engine: Engine, tmp_path: Path) -> None:
    """No template and no think tokens: ChatML is used, and all text is answer."""
    path = tiny_gguf.write(tmp_path / "plain.gguf", template=None, think=False)

    info = await engine.load(path)
    await engine.open_turn(QUESTION)
    (text,), _ = await grown(engine, [BranchSpec("the", 1, 12)])

    assert not info.thinks
    assert text["answer"]
    assert not text["thinking"]


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
        await engine.load(tiny)

    assert not isinstance(caught.value, WorkerDied)
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
    specs = tuple(BranchSpec("", n, 2000) for n in range(32))
    requests = (
        protocol.Load(str(tiny), 0, 1, -1),
        protocol.OpenTurn(tuple(QUESTION)),
        protocol.Grow(specs),
    )
    for number, request in enumerate(requests, 1):
        worker.stdin.write(protocol.encode(number, request))
    worker.stdin.flush()
    while not isinstance(protocol.decode(worker.stdout.readline())[1], protocol.Pieces):
        pass

    worker.stdin.close()

    assert worker.wait(timeout=5) == 0
    worker.stdout.close()
