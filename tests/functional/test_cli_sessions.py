"""`rm-local sessions`, over real journals."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli
from rm_local.loop.plan import find_plan
from rm_local.sessions import Journal
from tests.support.fake_runtime import FakeRuntime


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["sessions", *arguments])


def save(*questions: str) -> str:
    """A session with a turn for each question; its id."""

    async def turns() -> str:
        journal = Journal(paths.sessions_dir(), model="fake.gguf", store="fake.rms")
        for question in questions:
            journal.ask(question, "memory", 0)
            async for event in FakeRuntime().solve(question, find_plan("memory")):
                journal.write(event)
        journal.close()
        assert journal.path is not None
        return journal.path.stem

    return asyncio.run(turns())


def test_nothing_saved_yet() -> None:
    """Said on standard error; standard output stays empty."""
    result = run()

    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing is saved yet" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_a_line_for_each_session(arguments: list[str]) -> None:
    """Id, turns, how it ended, and the first question."""
    id = save("What is 4 + 4?", "And 5 + 5?")

    (line,) = run(*arguments).stdout.splitlines()

    assert line.startswith(id)
    for word in ("2 turns", "answered", "What is 4 + 4?"):
        assert word in line


def test_a_list_for_programs() -> None:
    """One JSON object."""
    id = save("What is 4 + 4?")

    (session,) = json.loads(run("--json").stdout)["sessions"]

    assert (session["id"], session["turns"]) == (id, 1)


def test_a_session_is_shown_whole() -> None:
    """Question, subproblem, hits, branches and answer of each turn; `last` is the newest."""
    id = save("What is 4 + 4?")

    result = run("show", id)

    assert result.exit_code == 0, result.stderr
    for word in ("What is 4 + 4?", "add two numbers", "0.90", "branch 6", "Answer: 8"):
        assert word in result.stdout
    assert run("show", "last").stdout == result.stdout


def test_a_session_for_programs() -> None:
    """Each turn with all that the trace holds."""
    id = save("What is 4 + 4?")

    (turn,) = json.loads(run("show", "--json", id).stdout)["turns"]

    assert turn["question"] == "What is 4 + 4?"
    assert turn["answer"]["result"] == "8"
    assert len(turn["branches"]) == turn["answer"]["branches"] > 1


def test_a_session_that_is_not_there() -> None:
    """Exit code 2."""
    for id in ("nothing", "last"):
        assert run("show", id).exit_code == 2
