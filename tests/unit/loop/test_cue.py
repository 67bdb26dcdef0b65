"""What the model reads, word for word: where the method's cue stands, however a model thinks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

import pytest

from rm_local.engine.branches import (
    BranchEvent,
    BranchSpec,
    ContextAdjusted,
    Evaluated,
)
from rm_local.engine.families.detect import TEMPLATE as KEY, ThinkingDescription, describe_thinking
from rm_local.engine.protocol import Message, TurnOpened
from rm_local.engine.worker.templates import render_process
from rm_local.engine.worker.templates.chat_template import ChatTemplate
from rm_local.loop import prompts
from rm_local.loop.plan import PLANS
from tests.support.fakes import INFO, SUBPROBLEM, FakeEngine, say, think
from tests.support.tiny_gguf import PLAIN_TEMPLATE, TEMPLATE
from tests.support.turns import MEMORY, answer_of, events_of, subproblem_of

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

    def __init__(self, model: ThinkingDescription, *, thinking: bool = True) -> None:
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
        on_adjusted: Callable[[ContextAdjusted], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """The prompt."""
        prompt = self._template.render(messages, thinking=thinking, effort=effort)
        self._prompt = "".join(segment.text for segment in prompt.segments)
        self.starts.append(prompt.starts)
        return TurnOpened(len(self._prompt), Evaluated())

    async def generate_branches(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[BranchEvent, None]:
        """The script; each branch reads the prompt, then what is forced."""
        self.texts += [self._prompt + spec.forced for spec in specs]
        async for event in super().generate_branches(specs):
            yield event


def described(name: str, template: str) -> ThinkingDescription:
    """A model of that name, with that chat template."""
    architecture = "qwen3" if "Qwen3" in name else "llama"
    return describe_thinking(
        {KEY: template, "general.name": name, "general.architecture": architecture}
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_the_cue_is_the_first_thing_in_the_thinking(kind: str) -> None:
    """Right behind the opening, whoever writes that; or where the answer begins."""
    name, template, opening = KINDS[kind]
    engine = Reads(described(name, template))
    events = await events_of(engine)

    assert {text[: len(ASKED + opening)] for text in engine.texts} == {ASKED + opening}
    first, *branches = (text.removeprefix(ASKED + opening) for text in engine.texts)
    assert first == prompts.CUE
    assert all(text.startswith(f"{prompts.CUE} {SUBPROBLEM}\n[hint]") for text in branches)
    assert all(text.endswith(f"[end of hint]\n{prompts.CUE_OPENING}") for text in branches)
    assert engine.starts == ["thinking" if opening else "answer"]
    assert (subproblem_of(events).subproblem, answer_of(events).result) == (SUBPROBLEM, "8")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_thinker_that_is_not_to_think_is_asked_like_the_others(kind: str) -> None:
    """An empty block stands before the cue; the subproblem is read from the answer."""
    name, template, opening = KINDS[kind]
    engine = Reads(described(name, template), thinking=False)
    events = await events_of(engine, replace(MEMORY, thinking=False))

    prompt, cue, _ = engine.texts[0].partition(prompts.CUE)
    assert cue
    assert prompt.startswith(ASKED)
    assert ("".join(prompt.removeprefix(ASKED).split()) == "<think></think>") == bool(opening)
    assert engine.starts == ["answer"]
    found = subproblem_of(events)
    assert (found.subproblem, found.author) == (SUBPROBLEM, "model")
    assert answer_of(events).result == "8"


async def test_without_retrieval_nothing_is_put_before_the_model() -> None:
    """The plan `none` reads the question alone."""
    name, template, opening = KINDS["it opens by itself"]
    engine = Reads(described(name, template))
    await events_of(engine, PLANS["none"])

    assert engine.texts == [ASKED + opening]
