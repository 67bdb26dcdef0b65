"""`rm-local ask` with a model that uses the calculator."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from rm_local.cli.main import cli
from tests.support import tiny_gguf
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import INFO, FakeEngine, calculated, say

Use = Callable[..., FakeRuntime]
SCRIPT = (say("Answer: <<4+4="), calculated("8>>"))


def engine() -> FakeEngine:
    """A model that was trained with the calculator."""
    return FakeEngine(branches=[SCRIPT], info=replace(INFO, calculator=True))


@pytest.mark.parametrize(("arguments", "asked"), [([], True), (["--no-calculator"], False)])
def test_the_calculator_can_be_switched_off(use: Use, arguments: list[str], asked: bool) -> None:
    """By default a model that was trained with it has it."""
    runtime = use(engine=engine())

    CliRunner().invoke(cli, ["ask", "--plan", "direct", *arguments, "4 + 4?"])

    assert [spec.calculator for specs in runtime.engine.grown for spec in specs] == [asked]


def test_text_of_the_calculator_is_marked_and_counted(use: Use) -> None:
    """The branch's line counts it apart; with --json each piece says who wrote it."""
    use(engine=engine())
    result = CliRunner().invoke(cli, ["ask", "--plan", "direct", "4 + 4?"])
    use(engine=engine())
    lines = CliRunner().invoke(cli, ["ask", "--plan", "direct", "--json", "4 + 4?"])

    events = [json.loads(line) for line in lines.stdout.splitlines()]
    assert result.stdout == "Answer: <<4+4=8>>\n"
    assert "8, 2 tokens, 1 by the calculator" in result.stderr
    tokens = [event for event in events if event["event"] == "token"]
    (finished,) = (event for event in events if event["event"] == "branch_finished")
    assert [(e["text"], e["forced"]) for e in tokens] == [("Answer: <<4+4=", False), ("8>>", True)]
    assert (finished["result"], finished["tokens"], finished["forced"]) == ("8", 2, 1)


def test_models_info_says_who_uses_it(tmp_path: Path) -> None:
    """In words, and as a field."""
    path = str(tiny_gguf.write(tmp_path / "tiny.gguf", calculator=True))

    result = CliRunner().invoke(cli, ["models", "info", path])
    data = CliRunner().invoke(cli, ["models", "info", path, "--json"])

    assert "uses the calculator" in result.stdout
    assert json.loads(data.stdout)["calculator"] is True
