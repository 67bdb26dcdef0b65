"""What real turns of a conversation evaluate, through the loop: counted by the worker.

rm-nano with a template that takes conversations, and two models whose memory cannot be cut.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rm_local.engine.branches import ContextOverflowReport
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.loop import prompts
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import Answered, Failed, Formulated, Prefilled
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from rm_local.options import EngineOptions
from rm_local.records import Answer, Hit, PrefillStats
from rm_local.sessions import TurnTree
from tests.support import tiny_gguf
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    hit,
)

PLAN = replace(
    PLANS["memory"],
    samples=4,
    hints=2,
    keep_shortest=0,
    max_tokens=24,
    max_score_gap=2.0,
    vote="all",
)
"""All branches at once: in waves a turn that comes to no answer has a branch without a hint more,
after which the cue is read again."""
FIRST, SECOND, THIRD = (
    "What is the kinetic energy for mass 4 kg and speed 6 m/s?",
    "And what is it for a mass of 9 kg?",
    "Which of the two is larger, and by how much?",
)
HITS = (hit(1, 0.9), hit(2, 0.8))


class Talk:
    """Turns on a real engine, with hits from a list."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.turns = TurnTree()
        self.subproblem = ""
        """That of the turn asked last."""
        self.rooms: list[ContextOverflowReport] = []
        """All that was reported of a full context."""

    async def ask(
        self,
        question: str,
        after: int = 0,
        *,
        steering: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        hits: tuple[Hit, ...] = HITS,
        samples: int = PLAN.samples,
    ) -> PrefillStats:
        """What the turn read. Its answer is made up, as random weights may come to none."""
        number = self.turns.add_turn(question, after)
        history = self.turns.list_answered_messages(after)
        plan, recall = replace(PLAN, samples=samples), FakeRecall(hits)
        turn = solve(question, plan, self.engine, recall, overrides=steering, history=history)
        read: list[PrefillStats] = []
        async for event in turn:
            assert not isinstance(event, Failed) or event.exit_code == 1, event
            if isinstance(event, Formulated):
                self.subproblem = event.subproblem
            elif isinstance(event, ContextOverflowReport):
                self.rooms.append(event)
            elif isinstance(event, Prefilled):
                read.append(event.reading)
        number = self.turns.last_turn_number
        said = f"The answer is {number}, as I have computed it above step by step."
        self.turns.record_answer_if_answered(
            number, Answered(Answer(said, None, 0, 1, 1, (), 9, 0.1))
        )
        (reading,) = read
        return reading

    async def tokens(self, *texts: str) -> int:
        """Of all these texts, and some for the seams between them."""
        return sum([2 + await self.engine.count_tokens(text) for text in texts])

    async def markup(self) -> int:
        """Tokens around messages, more than any one turn has."""
        return 2 * (await self.engine.open_turn([Message("user", "x")])).tokens

    async def forced(self, hits: tuple[Hit, ...], *, again: bool = False) -> int:
        """Tokens for branches under these hits, each once; `again`: after the cue, read again."""
        texts = [
            prompts.format_hint_for_thinking(h.entry.subproblem, h.entry.subroutine) for h in hits
        ]
        shared = [self.subproblem, *([prompts.CUE] if again else [])]
        return await self.tokens(*shared, *(f"\n{text}\n{prompts.CUE_OPENING}" for text in texts))


def templates(folder: Path) -> Path:
    """A folder with a template for rm-nano that takes conversations."""
    made = folder / "templates"
    made.mkdir()
    (made / "rm-nano.jinja").write_text(tiny_gguf.TEMPLATE)
    return made


@pytest.fixture(params=["nano", "hybrid", "recurrent"])
async def talk(
    request: pytest.FixtureRequest, tmp_path: Path, model_of: dict[str, Path]
) -> AsyncIterator[Talk]:
    """A conversation that has not begun."""
    folder = templates(tmp_path)
    async with Engine(
        EngineOptions(threads=1, templates=str(folder)), log=tmp_path / "worker.log"
    ) as engine:
        info = await engine.load_model(model_of[request.param])
        assert info.converses
        yield Talk(engine)


@pytest.fixture
def model_of(nano: Path, hybrid: Path, recurrent: Path) -> dict[str, Path]:
    """The three models by name."""
    return {"nano": nano, "hybrid": hybrid, "recurrent": recurrent}


def rewinds(talk: Talk) -> bool:
    """Whether the model can cut the end of its memory off at any place."""
    assert talk.engine.info
    return talk.engine.info.architecture == "qwen3"


async def test_between_formulation_and_reasoning_only_hints_are_read(talk: Talk) -> None:
    """The prompt and the cue were read once, and are there, whether or not memory can be cut."""
    reading = await talk.ask(FIRST)

    assert (reading.prompt_read, reading.prompt_last) == (reading.prompt, 0)
    assert reading.hints_read <= await talk.forced(HITS)


async def test_many_branches_read_each_hint_once(talk: Talk) -> None:
    """Eight branches under two hints read no more than two branches may."""
    many = await talk.ask(FIRST, samples=8)

    assert many.hints_read <= await talk.forced(HITS)
    assert many.prompt_read + many.prompt_last == many.prompt


async def test_a_second_turn_reads_the_answer_and_the_question(talk: Talk) -> None:
    """What stood before the first turn's thoughts stays; the same holds for the third."""
    first = await talk.ask(FIRST)
    second = await talk.ask(SECOND, after=1)
    third = await talk.ask(THIRD, after=2)
    answer = talk.turns.list_answered_messages(1)[1].content

    assert first.prompt < second.prompt < third.prompt
    around = await talk.markup()
    assert second.prompt_read <= await talk.tokens(answer, SECOND) + around
    assert third.prompt_read <= await talk.tokens(answer, THIRD) + around


async def test_an_edited_question_reads_what_is_new(talk: Talk) -> None:
    """In the same place of the conversation: the question and what closes it."""
    await talk.ask(FIRST)
    await talk.ask(SECOND, after=1)
    edited = await talk.ask(THIRD, after=1)

    assert edited.prompt_read <= await talk.tokens(THIRD) + await talk.markup()


async def test_a_fork_of_a_turn_reads_no_prompt(talk: Talk) -> None:
    """The same question again with another seed, and under other hints: nothing but those. One
    whose memory cannot be cut goes back to the prompt's end, and reads the cue again."""
    await talk.ask(FIRST)
    await talk.ask(SECOND, after=1)
    again = await talk.ask(SECOND, after=1, steering=TurnOverrides(seed=1))
    other = (hit(7, 0.9), hit(8, 0.8))
    fork = await talk.ask(
        SECOND, after=1, steering=TurnOverrides(talk.subproblem, seed=2), hits=other
    )

    assert again.prompt_read <= (0 if rewinds(talk) else 1)
    assert fork.prompt_read + fork.prompt_last <= (0 if rewinds(talk) else 1)
    assert fork.hints_read <= await talk.forced(other, again=not rewinds(talk))


async def test_another_fork_is_read_from_where_they_part(talk: Talk) -> None:
    """One conversation is held at a time: back in an earlier fork, what both share stays, and all
    after it is read again."""
    await talk.ask(FIRST)
    await talk.ask(SECOND, after=1)
    await talk.ask("Why is that so?", after=1)
    back = await talk.ask(THIRD, after=2)
    answer = talk.turns.list_answered_messages(1)[1].content
    following = await talk.tokens(SECOND, answer, THIRD)

    assert following / 2 < back.prompt_read <= following + 2 * await talk.markup()


async def test_times_are_reported_with_the_counts(talk: Talk) -> None:
    """The first token's time holds that of the hints' evaluation."""
    reading = await talk.ask(FIRST)

    assert 0 < reading.hints_seconds < reading.first_token_seconds
    assert reading.prompt_seconds > 0


async def test_the_oldest_turns_are_left_out_of_a_full_context(tmp_path: Path, nano: Path) -> None:
    """With `context_overflow` at drop_oldest; they are named, what is left is read again, and
    nothing is forgotten: a fork of an early turn reads them again."""
    log, folder = tmp_path / "worker.log", templates(tmp_path)
    options = EngineOptions(threads=1, templates=str(folder), context_overflow="drop_oldest")
    async with Engine(options, log=log) as engine:
        await engine.load_model(nano, context=512)
        talk = Talk(engine)
        await talk.ask(FIRST)
        while not talk.rooms:
            full = await talk.ask(SECOND, after=talk.turns.last_turn_number)
        whole = talk.turns.list_answered_messages(talk.turns.last_turn_number)
        early = await talk.ask(THIRD, after=1)

    (room,) = talk.rooms
    assert room.dropped >= 1
    assert FIRST[:50] in room.message
    assert full.prompt <= 512 * 3 // 4
    assert full.prompt_read + full.prompt_last <= full.prompt
    assert whole[0].content == FIRST
    assert early.prompt < full.prompt


async def test_a_hint_that_never_fits_costs_no_turn(tmp_path: Path, nano: Path) -> None:
    """With `context_overflow` at drop_oldest it is left out, and the conversation is read whole."""
    endless = replace(HITS[0].entry, subroutine="and then I add one more " * 400)
    options = EngineOptions(
        threads=1, templates=str(templates(tmp_path)), context_overflow="drop_oldest"
    )
    async with Engine(options, log=tmp_path / "worker.log") as engine:
        await engine.load_model(nano, context=1024)
        talk = Talk(engine)
        first = await talk.ask(FIRST)
        second = await talk.ask(SECOND, after=1, hits=(replace(HITS[0], entry=endless), HITS[1]))

    assert not talk.rooms
    assert second.prompt > first.prompt
