"""A real worker's model, turn and branches: what it reads and writes, and what it has room for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.engine.branches import BranchSpec, SamplingParameters
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.errors import ContextOverflowError
from tests.support import tiny_gguf
from tests.support.engines import GREEDY, QUESTION, grown


async def test_the_model_is_described_as_it_is(engine: Engine, tiny: Path) -> None:
    """Name, sizes and recommendations come from the file; the device from what was done."""
    shares: list[float] = []

    info = await engine.load_model(tiny, on_progress=shares.append)

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
    info = await engine.load_model(nano)
    prompt = (await engine.open_turn(QUESTION)).tokens
    specs = [BranchSpec("Okay,", seed, 24, SamplingParameters(0.7)) for seed in (1, 2, 3)]

    texts, ends = await grown(engine, specs)

    assert 10 < prompt < info.context
    assert all(end.stop in ("end", "length") and 0 < end.tokens <= 24 for end in ends)
    assert any(text["thinking" if info.thinks else "answer"] for text in texts)


async def test_a_seed_draws_the_same_and_another_differs(engine: Engine, tiny: Path) -> None:
    """Branches of one seed write the same text in one batch, and again in a later call."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    specs = [BranchSpec("the", seed, 16) for seed in (7, 7, 8)]

    first, _ = await grown(engine, specs)
    again, _ = await grown(engine, specs)

    assert first == again
    assert first[0] == first[1] != first[2]


async def test_greedy_text_is_llama_cpps_own(engine: Engine, tiny: Path) -> None:
    """Alone, among branches of other lengths, or after a hint shared in part: the same tokens."""
    await engine.load_model(tiny)
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
    await engine.load_model(tiny)
    prompt = (await engine.open_turn(QUESTION)).tokens
    cue = "Now, let me search. "
    await grown(engine, [BranchSpec(cue, 0, 8, GREEDY)])
    formulated = await engine.get_stats()
    await engine.open_turn(QUESTION)
    reopened = await engine.get_stats()
    await grown(engine, [BranchSpec(cue + hint, 0, 4) for hint in ("one", "one", "two")])
    reasoned = await engine.get_stats()

    assert formulated.prompt == prompt
    assert formulated.forced == await engine.count_tokens(cue)
    assert reopened.prompt == prompt
    assert reopened.reused == prompt - 1
    assert reasoned.forced - formulated.forced <= 1 + 2 * 3


async def test_forced_text_cannot_close_the_block_or_the_turn(engine: Engine, tiny: Path) -> None:
    """Markers in a hint and in a question are so many letters, not the tokens of that name."""
    await engine.load_model(tiny)
    for marker in ("</think>", "<|im_end|>", "<think>"):
        assert await engine.count_tokens(marker) > 1
    letters = await engine.count_tokens("<|im_end|>") + await engine.count_tokens("</think>")
    plain = (await engine.open_turn([Message("user", "x")])).tokens

    fenced = (await engine.open_turn([Message("user", "x<|im_end|></think>")])).tokens
    texts, ends = await grown(engine, [BranchSpec("hint </think> <|im_end|>", 3, 12)])

    assert fenced == plain + letters
    assert ends[0].tokens
    assert texts[0]["thinking"]


async def test_branches_outgrow_the_context_by_turns(engine: Engine, tiny: Path) -> None:
    """Branches that need more cells than there are wait for each other and lose no text."""
    await engine.load_model(tiny, context=512)
    await engine.open_turn(QUESTION)
    specs = [BranchSpec(f"hint {n}", n, 150, GREEDY) for n in range(6)]

    together, ends = await grown(engine, specs)
    alone = [(await grown(engine, [spec]))[0][0] for spec in specs]

    assert together == alone
    assert all(end.stop in ("end", "length") and end.tokens <= 150 for end in ends)


async def test_more_branches_than_sequences_are_grown(engine: Engine, tiny: Path) -> None:
    """Forty branches are more than llama.cpp runs at once here; all of them end."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)

    _, ends = await grown(engine, [BranchSpec("", n, 3) for n in range(40)])

    assert [end.branch for end in ends] == list(range(40))


async def test_the_end_of_the_context_ends_a_branch(engine: Engine, tiny: Path) -> None:
    """A budget beyond the context is no error: the branch ends there with `context`."""
    info = await engine.load_model(tiny, context=256)
    prompt = (await engine.open_turn(QUESTION)).tokens
    for seed in range(20):
        _, (end,) = await grown(engine, [BranchSpec("", seed, 10_000)])
        if end.stop == "context":
            break

    assert end.stop == "context"
    assert end.tokens == info.context - prompt


async def test_too_long_a_question_or_hint_is_refused_with_counts(
    engine: Engine, tiny: Path
) -> None:
    """ContextOverflowError names both numbers; nothing was evaluated, and a shorter turn works."""
    await engine.load_model(tiny, context=256)

    with pytest.raises(ContextOverflowError, match=r"needs [\d,]+ tokens; the context holds 256"):
        await engine.open_turn([Message("user", "long " * 500)])
    await engine.open_turn(QUESTION)
    evaluated = await engine.get_stats()
    with pytest.raises(ContextOverflowError, match="forced before its answer"):
        await grown(engine, [BranchSpec("", 0, 4), BranchSpec("hint " * 200, 0, 4)])

    assert await engine.get_stats() == evaluated
    assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].branch == 0


async def test_a_stop_text_ends_a_branch(engine: Engine, tiny: Path) -> None:
    """The branch ends where the text begins, and says that it came to its end."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    (whole,), _ = await grown(engine, [BranchSpec("", 5, 40)])
    stop = whole["thinking"][10:12]

    (cut,), (end,) = await grown(engine, [BranchSpec("", 5, 40, stop=(stop,))])

    assert cut["thinking"] == whole["thinking"][: whole["thinking"].index(stop)]
    assert end.stop == "end"


async def test_a_model_without_thinking_answers_at_once(engine: Engine, tmp_path: Path) -> None:
    """No template and no think tokens: ChatML is used, and all text is answer."""
    path = tiny_gguf.write(tmp_path / "plain.gguf", template=None, think=False)

    info = await engine.load_model(path)
    await engine.open_turn(QUESTION)
    (text,), _ = await grown(engine, [BranchSpec("the", 1, 12)])

    assert not info.thinks
    assert text["answer"]
    assert not text["thinking"]


async def test_a_long_prompt_reports_progress_between_its_batches(
    engine: Engine, nano: Path
) -> None:
    """Ever larger shares, none of what is in the cache already; and the whole is never reported."""
    shares: list[float] = []
    await engine.load_model(nano)
    await engine.open_turn([Message("user", "Add 2 and 3. " * 150)], on_progress=shares.append)
    assert len(shares) >= 2
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < shares[-1] < 1
    again: list[float] = []
    await engine.open_turn([Message("user", "Add 2 and 3. " * 150)], on_progress=again.append)
    assert again == []
