"""What a real worker evaluates, counted: the prompt once, each hint once, and nothing again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.engine.branches import BranchSpec
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message, Stats
from tests.support.engines import GREEDY, QUESTION, grown

CUE = "Okay, let me name what is asked. "
HINTS = ["First add the even ones.", "Count them in pairs.", "Use the sum of a series."]
SYSTEM = Message("system", "Answer in one line, and think before you do.")


@pytest.fixture(params=["nano", "hybrid", "recurrent"])
def model(request: pytest.FixtureRequest) -> Path:
    """The shipped model, and two whose memory cannot be cut."""
    path = request.getfixturevalue(request.param)
    assert isinstance(path, Path)
    return path


def hinted(hints: list[str], tokens: int = 6) -> list[BranchSpec]:
    """A branch for each hint."""
    return [BranchSpec(CUE + hint, n, tokens, GREEDY, endless=True) for n, hint in enumerate(hints)]


def since(now: Stats, before: Stats) -> tuple[int, int]:
    """Prompt and forced tokens evaluated between two counts."""
    return now.prompt - before.prompt, now.forced - before.forced


def last_token(engine: Engine) -> int:
    """A model that cannot cut reads the prompt's last token with each set of branches again."""
    assert engine.info
    return int(engine.info.architecture != "qwen3")


async def test_many_branches_read_the_prompt_once_and_each_hint_once(
    engine: Engine, model: Path
) -> None:
    """Six branches under three hints: the prompt, what the hints begin with, each hint's rest."""
    await engine.load_model(model)
    prompt = (await engine.open_turn(QUESTION)).tokens
    whole = [await engine.count_tokens(CUE + hint) for hint in HINTS]
    await grown(engine, hinted(HINTS + HINTS))
    stats = await engine.get_stats()

    assert stats.prompt == prompt
    assert stats.written == 36
    assert max(whole) < stats.forced < sum(whole)


async def test_formulating_and_reasoning_share_the_prompt(engine: Engine, model: Path) -> None:
    """Formulation is cancelled after its first sentence; then only the hints are read."""
    await engine.load_model(model)
    prompt = (await engine.open_turn(QUESTION)).tokens
    written = ""
    async for event in engine.generate_branches([BranchSpec(CUE, 0, 100, GREEDY, endless=True)]):
        written += getattr(event, "text", "")
        if len(written) > 20:
            await engine.cancel()
    formulated = await engine.get_stats()
    said = CUE + written[:12]
    await grown(engine, [BranchSpec(said + hint, 0, 4, endless=True) for hint in HINTS])
    reasoned = await engine.get_stats()

    assert formulated.prompt == prompt
    assert since(reasoned, formulated)[0] <= last_token(engine)
    assert since(reasoned, formulated)[1] <= sum(
        [await engine.count_tokens(said), *[await engine.count_tokens(hint) + 2 for hint in HINTS]]
    )


async def test_another_subproblem_and_other_hints_read_no_prompt(
    engine: Engine, model: Path
) -> None:
    """The turn is opened again, after an edit and to be forked: only what is forced is new."""
    await engine.load_model(model)
    await engine.open_turn(QUESTION)
    await grown(engine, hinted(HINTS))
    first = await engine.get_stats()
    await engine.open_turn(QUESTION)
    assert since(await engine.get_stats(), first) == (0, 0)
    await grown(engine, [BranchSpec(f"Another way. {hint}", 0, 4) for hint in HINTS[:2]])
    await grown(engine, [BranchSpec("", 1, 4), BranchSpec("", 2, 4)])

    # Branches with nothing forced begin with the logits of the prompt's last token.
    assert since(await engine.get_stats(), first)[0] <= 1 + last_token(engine)


async def test_what_comes_after_going_back_is_what_comes_without(
    engine: Engine, model: Path
) -> None:
    """Branches grown after others, and after a turn of another kind, write the same text."""
    await engine.load_model(model)
    await engine.open_turn(QUESTION)
    fresh, _ = await grown(engine, hinted(HINTS, 12))
    await grown(engine, hinted(["Something else.", ""]))
    again, _ = await grown(engine, hinted(HINTS, 12))
    await engine.open_turn([SYSTEM, Message("user", "What else?")])
    await grown(engine, hinted(HINTS[:1]))
    await engine.open_turn(QUESTION)
    later, _ = await grown(engine, hinted(HINTS, 12))

    assert fresh == again == later


@pytest.mark.parametrize("kind", ["tiny", "hybrid", "recurrent"])
async def test_a_second_turn_reads_what_is_new(
    engine: Engine, kind: str, request: pytest.FixtureRequest
) -> None:
    """The conversation up to the last question stays; the answer and the next question are read."""
    await engine.load_model(request.getfixturevalue(kind))
    question = QUESTION[0]
    markup = (await engine.open_turn([Message("user", "x")])).tokens
    # One that cannot cut goes back to the end of a message's text; what closes it is read again.
    markup += 3 * last_token(engine)
    opened = (await engine.open_turn([SYSTEM, question])).tokens
    await grown(engine, hinted(HINTS))
    before = await engine.get_stats()
    answer, follow = Message("assistant", "It is 42."), Message("user", "And of the odd ones?")
    prompt = (await engine.open_turn([SYSTEM, question, answer, follow])).tokens
    await grown(engine, [BranchSpec("", 0, 4)])
    after = await engine.get_stats()

    assert since(after, before)[0] <= prompt - opened + markup
    other = [SYSTEM, question, answer, Message("user", "Why?")]
    await engine.open_turn(other)
    await grown(engine, [BranchSpec("", 0, 4)])

    assert since(await engine.get_stats(), after)[0] <= await engine.count_tokens("Why?") + markup
