"""Chat templates that do harm, in a real worker: a message each, and the worker continues."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local import paths
from rm_local.engine.branches import BranchSpec
from rm_local.engine.client import Engine
from rm_local.engine.protocol import Message
from rm_local.errors import InvalidModelError, RmLocalError, SettingsError
from rm_local.options import EngineOptions
from tests.support import tiny_gguf
from tests.support.bad_models import GROWS, LOOPS, OPENS, RAISES, REACHES
from tests.support.engines import GREEDY, QUESTION, grown

HARMFUL = {
    "loops": (LOOPS, "does not finish"),
    "grows": (GROWS, "memory"),
    "reaches": (REACHES, "not allowed"),
    "globals": ("{{ cycler.__init__.__globals__.os }}", "not allowed"),
    "opens": (OPENS, "fails"),
    "raises": (RAISES, "only for tools"),
}


@pytest.mark.parametrize("name", HARMFUL)
async def test_a_harmful_template_is_a_message(
    engine: Engine, nano: Path, tmp_path: Path, name: str
) -> None:
    """The model is refused with what its template does; the same worker then loads rm-nano."""
    template, message = HARMFUL[name]
    bad = tiny_gguf.write(tmp_path / "bad.gguf", template=template)
    await engine.load_model(nano)
    worker = engine.worker_pid

    with pytest.raises(RmLocalError, match=message) as raised:
        await engine.load_model(bad)
    await engine.load_model(nano)
    await engine.open_turn(QUESTION)
    _, ends = await grown(engine, [BranchSpec("", 1, 4, GREEDY)])

    assert "chat template" in raised.value.message
    assert raised.value.remedy
    assert ends[0].tokens > 0
    assert engine.worker_pid == worker


async def test_a_template_that_loops_over_some_messages_ends_the_turn_alone(
    engine: Engine, tmp_path: Path
) -> None:
    """The model stays loaded, and is there for the next question."""
    loops = tiny_gguf.TEMPLATE + "{% if messages | length > 1 %}" + LOOPS + "{% endif %}"
    await engine.load_model(tiny_gguf.write(tmp_path / "some.gguf", template=loops))

    with pytest.raises(InvalidModelError, match="does not finish"):
        await engine.open_turn([Message("system", "Be short."), *QUESTION])

    assert (await engine.open_turn(QUESTION)).tokens > 0


async def test_the_model_info_names_the_template_in_use(engine: Engine, tiny: Path) -> None:
    """Family, markers, who opens and where the template comes from are part of the model."""
    info = await engine.load_model(tiny)

    assert (info.family, info.opening, info.closing) == ("unknown", "<think>", "</think>")
    assert (info.opened_by, info.template) == ("template", "the model's file")


async def test_a_turn_without_thinking_begins_with_the_answer(engine: Engine, tiny: Path) -> None:
    """The block is closed in the prompt, so what is written belongs to the answer."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION, thinking=False)

    texts, _ = await grown(engine, [BranchSpec("the", 1, 8, GREEDY)])

    assert texts[0]["answer"]
    assert not texts[0]["thinking"]


async def test_the_users_template_goes_first(tmp_path: Path, tiny: Path) -> None:
    """A file next to the settings is used, named, and when it is wrong, blamed."""
    folder = paths.templates_dir()
    assert folder
    folder.mkdir(parents=True)
    own = folder / "tiny.jinja"
    own.write_text("{{ messages[-1].content }}[THINK]")
    async with Engine(
        EngineOptions(threads=1, templates=str(folder)), log=tmp_path / "worker.log"
    ) as engine:
        info = await engine.load_model(tiny)
        assert (info.template, info.opening, info.opened_by) == (str(own), "[THINK]", "template")

        own.write_text("\n{% if %}")
        with pytest.raises(SettingsError, match=r"tiny\.jinja, line 2"):
            await engine.load_model(tiny)
