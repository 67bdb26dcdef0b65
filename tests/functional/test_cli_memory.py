"""What `rm-local ask` says of memory, and its options that force it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.errors import StoreNotFoundError
from rm_local.records import Entry, Hit
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime

Use = Callable[..., FakeRuntime]


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["ask", *arguments])


def test_what_nothing_fits_goes_straight_to_the_model(use: Use) -> None:
    """One line says so; no subproblem and no hits are shown."""
    runtime = use(recall=FakeRecall(fits=False))

    result = run("Hello, who are you?")

    assert result.exit_code == 0, result.stderr
    assert "Memory    nothing fits" in result.stderr
    assert "Formulate" not in result.stderr
    assert [len(specs) for specs in runtime.engine.grown] == [1]


def test_memory_can_be_forced(use: Use) -> None:
    """Whatever the gate would say, and however far the hits are."""
    runtime = use(
        recall=FakeRecall([Hit(Entry("How?", "I do.", "math", "s", id=7), -0.5)], fits=False)
    )

    result = run("--memory", "Hello")

    assert result.exit_code == 0, result.stderr
    assert "Memory    1 hit" in result.stderr
    assert runtime.recall.judged == []


def test_memory_can_be_left_out(use: Use) -> None:
    """The store is not opened, so that a broken one does not matter."""
    runtime = use(store_error=StoreNotFoundError("There is no store.", "Make one."))

    result = run("--no-memory", "What is 4 + 4?")

    assert result.exit_code == 0, result.stderr
    assert "Memory    not asked" in result.stderr
    assert [len(specs) for specs in runtime.engine.grown] == [1]


@pytest.mark.parametrize("option", ["--memory", "--no-memory"])
def test_a_plan_without_a_gate_takes_no_such_option(use: Use, option: str) -> None:
    """It is a mistake of the user's, and says so."""
    use()

    result = run(option, "--plan", "direct", "What is 4 + 4?")

    assert result.exit_code == 2
    assert option in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        *(("--plan", plan) for plan in ("direct", "length-vote", "cue-only", "random-hints")),
        ("--no-memory",),
    ],
)
def test_nothing_is_judged_where_no_hits_are_chosen(use: Use, options: tuple[str, ...]) -> None:
    """`--judge` is a mistake of the user's there, and nothing is asked."""
    runtime = use()

    result = run("--judge", *options, "What is 4 + 4?")

    assert result.exit_code == 2
    assert "--judge" in result.stderr
    assert runtime.solved == []


@pytest.mark.parametrize("options", [(), ("--memory",), ("--plan", "paper")])
def test_hits_are_judged_where_they_are_chosen(use: Use, options: tuple[str, ...]) -> None:
    """The plan asks the model then."""
    runtime = use()

    result = run("--judge", *options, "What is 4 + 4?")

    assert result.exit_code == 0, result.stderr
    assert runtime.solved[0].plan.judge == "model"
