"""What the model reads, word for word: where the method's cue stands, however a model thinks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

import pytest

from rm_local.engine.branches import (
    BranchEvent,
    BranchSpec,
    ContextOverflowReport,
    EvaluatedTokenCounts,
)
from rm_local.engine.families.detect import TEMPLATE as KEY, ChatFormat, detect_chat_format
from rm_local.engine.protocol import Message, TurnOpened
from rm_local.engine.worker.templates import render_process
from rm_local.engine.worker.templates.chat_template import ChatTemplate
from rm_local.loop import prompts
from rm_local.loop.formulation_examples import REQUEST, build_formulation_chat
from rm_local.loop.plan import PLANS
from tests.support.fakes import INFO, SUBPROBLEM, FakeEngine, hit, say, think
from tests.support.tiny_gguf import PLAIN_TEMPLATE, TEMPLATE
from tests.support.turns import MEMORY, QUESTION, answer_of, events_of, subproblem_of

ASKED = "<|im_start|>user\nWhat is 4 + 4?<|im_end|>\n<|im_start|>assistant\n"
LEAVES_THOUGHTS_OUT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
KINDS = {
    "its template opens": ("DeepSeek R1 Distill", TEMPLATE, "<think>\n"),
    "it opens by itself": ("Qwen3 8B", PLAIN_TEMPLATE + "{# <think> #}", "<think>\n"),
    "it never opens, it only closes": ("Stranger 7B", LEAVES_THOUGHTS_OUT, "<think>\n"),
    "it does not think": ("Llama 3", PLAIN_TEMPLATE, ""),
}


class Reads(FakeEngine):
    """Renders the chat template as the worker does, and keeps what each branch is to read."""

    def __init__(self, model: ChatFormat, *, thinking: bool = True) -> None:
        inside = think if model.thinks and thinking else say
        super().__init__(
            [inside(f" {SUBPROBLEM} And")],
            [[inside("4 and 4 make 8."), say("\nAnswer: 8")]],
            info=replace(INFO, thinks=model.thinks),
        )
        self._template = ChatTemplate(model, bos="", eos="", render=render_process.render)
        self.starts: list[str] = []
        self.texts: list[str] = []

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """The prompt."""
        self._rendered = self._template.render(messages, thinking=thinking, effort=effort)
        self.turns.append(tuple(messages))
        self.starts.append(self._rendered.starts)
        return TurnOpened(len(self._rendered.segments), EvaluatedTokenCounts())

    async def generate_branches(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[BranchEvent, None]:
        """The script; each branch reads the prompt, then what is forced."""
        for spec in specs:
            noted = (
                self._rendered.build_segments_with_note_after_question(spec.note)
                if spec.note
                else self._rendered.segments
            )
            self.texts.append("".join(segment.text for segment in noted) + spec.forced)
        async for event in super().generate_branches(specs):
            yield event


def described(name: str, template: str) -> ChatFormat:
    """A model of that name, with that chat template."""
    architecture = "qwen3" if "Qwen3" in name else "llama"
    return detect_chat_format(
        {KEY: template, "general.name": name, "general.architecture": architecture}
    )


THINKING = [kind for kind, (_, _, opening) in KINDS.items() if opening]


@pytest.mark.parametrize("kind", THINKING)
async def test_the_cue_is_the_first_thing_in_the_thinking(kind: str) -> None:
    """Right after the opening, whoever writes that."""
    name, template, opening = KINDS[kind]
    engine = Reads(described(name, template))
    events = await events_of(engine)

    assert {text[: len(ASKED + opening)] for text in engine.texts} == {ASKED + opening}
    first, *branches = (text.removeprefix(ASKED + opening) for text in engine.texts)
    assert first == prompts.CUE
    assert all(text.startswith(f"{prompts.CUE} {SUBPROBLEM}\n[hint]") for text in branches)
    assert all(text.endswith(f"[end of hint]\n{prompts.CUE_OPENING}") for text in branches)
    assert engine.starts == ["thinking"]
    assert (subproblem_of(events).subproblem, answer_of(events).result) == (SUBPROBLEM, "8")


@pytest.mark.parametrize(
    ("kind", "thinking"),
    [("it does not think", True), *((kind, False) for kind in KINDS)],
)
async def test_without_thoughts_the_hint_is_in_the_users_message(kind: str, thinking: bool) -> None:
    """With the question once more after it; nothing is put before what the model says."""
    name, template, _ = KINDS[kind]
    engine = Reads(described(name, template), thinking=thinking)
    events = await events_of(engine, replace(MEMORY, thinking=thinking))
    branches = engine.texts[-6:]
    asked, ending = ASKED.split("<|im_end|>")

    for text, given in zip(branches, [hit(1, 0.9), hit(2, 0.7), hit(3, 0.5)] * 2, strict=True):
        note = prompts.format_hint_for_user_message(
            given.entry.subproblem, given.entry.subroutine, QUESTION
        )
        assert text.startswith(f"{asked}{note}<|im_end|>{ending}")
        assert note.index(given.entry.subroutine) < note.index(QUESTION)
        assert prompts.CUE not in text
    assert {spec.forced for spec in engine.grown[-1]} == {""}
    assert "may not fit" in prompts.NOTE
    assert answer_of(events).result == "8"


async def test_a_long_question_is_not_repeated() -> None:
    """It is read once, and the note names it."""
    long = "word " * 400
    engine = Reads(described("chatml", KINDS[next(iter(KINDS))][1]), thinking=False)
    await events_of(engine, replace(MEMORY, thinking=False), question=long)

    assert engine.texts[-1].count(long.strip()) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_the_papers_plan_cues_every_model(kind: str) -> None:
    """Its forced text stands where the model continues, whether or not that is a thought."""
    name, template, _ = KINDS[kind]
    engine = Reads(described(name, template))
    await events_of(engine, PLANS["paper"])

    assert all(f"{prompts.CUE} {SUBPROBLEM}\n[hint]" in text for text in engine.texts[1:])
    assert {spec.note for spec in engine.grown[-1]} == {""}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_that_does_not_think_names_it_in_a_chat_of_its_own(kind: str) -> None:
    """The examples stand before the question there, and nothing of them where it answers."""
    name, template, _ = KINDS[kind]
    engine = Reads(described(name, template), thinking=False)
    events = await events_of(engine, replace(MEMORY, thinking=False))

    apart, *branches = engine.texts
    assert all(each.content in apart for each in build_formulation_chat("What is 4 + 4?"))
    assert prompts.CUE not in apart
    assert branches
    assert all(text.startswith(ASKED.partition("<|im_end|>")[0]) for text in branches)
    assert not any(REQUEST in text for text in branches)
    found = subproblem_of(events)
    assert (found.subproblem, found.author) == (SUBPROBLEM, "model")
    assert answer_of(events).result == "8"


async def test_without_retrieval_nothing_is_put_before_the_model() -> None:
    """The plan `none` reads the question alone."""
    name, template, opening = KINDS["it opens by itself"]
    engine = Reads(described(name, template))
    await events_of(engine, PLANS["direct"])

    assert engine.texts == [ASKED + opening]
