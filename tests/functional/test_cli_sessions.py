"""`rm-local sessions`, over real journals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.attachment import attach_text
from rm_local.cli.main import cli
from rm_local.engine.branches import TokenChunk
from rm_local.loop.events import (
    Answered,
    BranchFinished,
    BranchStarted,
    Event,
    Failed,
    HitJudgement,
    HitsJudged,
    Retrieved,
)
from rm_local.loop.plan import find_plan
from rm_local.records import Answer, Branch
from rm_local.sessions import Journal
from tests.support.fake_runtime import STOPPED, FakeRuntime
from tests.support.fakes import FakeEngine, hit, say


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["sessions", *arguments])


def save(*questions: str, runtime: FakeRuntime | None = None, plan: str = "memory") -> str:
    """A session with a turn for each question; its id."""
    solver = runtime or FakeRuntime()

    async def turns() -> str:
        journal = Journal(paths.sessions_dir(), model="fake.gguf", store="fake.rms")
        for question in questions:
            journal.write_question(question, plan, 0)
            async for event in solver.solve(question, find_plan(plan)):
                journal.write_event(event)
        journal.close()
        assert journal.path is not None
        return journal.path.stem

    return asyncio.run(turns())


def test_an_empty_list_is_reported() -> None:
    """Said on standard error; standard output stays empty."""
    result = run()

    assert (result.exit_code, result.stdout) == (0, "")
    assert "No session is saved yet" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_the_list_has_a_line_for_each_session(arguments: list[str]) -> None:
    """Id, turns, how it ended, and the first question."""
    id = save("What is 4 + 4?", "And 5 + 5?")

    (line,) = run(*arguments).stdout.splitlines()

    assert line.startswith(id)
    for word in ("2 turns", "answered", "What is 4 + 4?"):
        assert word in line


def test_the_json_list_is_one_object() -> None:
    """One JSON object."""
    id = save("What is 4 + 4?")

    (session,) = json.loads(run("--json").stdout)["sessions"]

    assert (session["id"], session["turns"]) == (id, 1)


def test_a_session_is_shown_whole() -> None:
    """Question, subproblem, hits, branches and answer of each turn; `last` is the newest."""
    id = save("What is 4 + 4?")

    result = run("show", id)

    assert result.exit_code == 0, result.stderr
    for word in ("What is 4 + 4?", "add two numbers", "0.90", " x branches ", "Answer: 8"):
        assert word in result.stdout
    assert run("show", "last").stdout == result.stdout


def test_the_json_of_a_session_holds_its_trace() -> None:
    """Each turn with all that the trace holds."""
    id = save("What is 4 + 4?")

    (turn,) = json.loads(run("show", "--json", id).stdout)["turns"]

    assert turn["question"] == "What is 4 + 4?"
    assert turn["answer"]["result"] == "8"
    assert len(turn["branches"]) == turn["answer"]["branches"] > 1


def test_a_missing_session_ends_with_exit_code_2() -> None:
    """Exit code 2."""
    for id in ("nothing", "last"):
        assert run("show", id).exit_code == 2


def test_a_branch_in_prose_is_shown_by_its_beginning() -> None:
    """And the vote is described as it was when the question was asked."""
    prose = "Berlin has been the capital of Germany since 1990, " + "as everybody knows. " * 5
    engine = FakeEngine(branches=[[say(prose)]])
    lines = _show(save("Why?", runtime=FakeRuntime(engine), plan="direct"))

    assert any("branch 1 under no hint: Berlin has been" in line for line in lines)
    assert not any("no answer" in line for line in lines)
    assert any(
        line.startswith("Answer") and "prose, branch 1 of 1 branch" in line for line in lines
    )
    assert prose.strip() in lines


def test_a_saved_turn_says_what_was_saved() -> None:
    """The line of the vote is the one that `ask` writes."""
    vote = Answer("Answer: 8", "8", 0, 1, 1, (3,), 40, 1.0, saved_branches=5, saved_tokens=200)
    lines = _show(save("What?", runtime=FakeRuntime(events=[Answered(vote)])))

    text = "1 branch, others would hardly differ, under entry 3, 40 tokens, 5 branches"
    assert any(line.startswith("Answer") and text in line for line in lines)
    assert lines[-1] == "Answer: 8"


@pytest.mark.parametrize(
    ("judgements", "memory", "judge"),
    [
        (((1, 0.9, True), (2, 0.1, False)), "1 hit", "the model keeps 1 of 2 hits"),
        (((1, 0.2, False), (2, 0.1, False)), "none of 2 hits kept", "the model keeps 0 of 2 hits"),
        (((1, None, True), (2, None, True)), "2 hits", "neither yes nor no for 2 hits"),
    ],
)
def test_what_the_model_judged_is_shown_as_when_it_was_asked(
    use: Callable[..., FakeRuntime],
    judgements: tuple[tuple[int, float | None, bool], ...],
    memory: str,
    judge: str,
) -> None:
    """The same line live and of the saved turn; a program gets each judgement."""
    judged = HitsJudged(tuple(HitJudgement(*each) for each in judgements), 0.1)
    events = [
        Retrieved((hit(1), hit(2)), 0.1),
        judged,
        Answered(Answer("8", "8", 0, 1, 1, (), 9, 1)),
    ]
    use(events=events)
    live = CliRunner().invoke(cli, ["ask", "What?"]).stderr
    shown = _show("last")
    (turn,) = json.loads(run("show", "--json", "last").stdout)["turns"]

    assert judge in live
    assert any(line.startswith("Judge") and judge in line for line in shown)
    assert any(line.startswith("Memory") and line.endswith(memory) for line in shown)
    assert [each["id"] for each in turn["judgements"]] == [1, 2]


def _show(id: str) -> list[str]:
    return run("show", id).stdout.strip().splitlines()


@pytest.mark.parametrize("text", ["The capital is Ber", "1. Heat the oven.\n2. Mix"])
def test_the_text_of_a_stopped_turn_is_shown(text: str) -> None:
    """Whole, with the branch that wrote it, and that it was stopped."""
    events: list[Event] = [BranchStarted(0, None), TokenChunk(0, "answer", text, 4)]
    stopped = Failed("Stopped before there was an answer.", "", 130)
    lines = _show(save("Why?", runtime=FakeRuntime(events=[*events, stopped])))

    assert [line for line in lines if line.startswith("Text")] == ["Text      of branch 1, stopped"]
    assert text in "\n".join(lines)
    assert lines[-1].startswith("Stopped   Stopped before")


def test_the_thinking_of_a_stopped_turn_is_shown() -> None:
    """If there was no other text."""
    events: list[Event] = [BranchStarted(0, None), TokenChunk(0, "thinking", "I add both.", 4)]
    lines = _show(save("Why?", runtime=FakeRuntime(events=[*events, STOPPED])))

    assert lines[-3:-1] == ["Thinking  of branch 1, stopped", "I add both."]


def test_a_turn_that_was_stopped_with_an_answer_says_so() -> None:
    """Before the answer."""
    branch = Branch(0, None, 1, "", "Answer: 8", "8", 4, 1.0, "cancelled")
    vote = Answered(Answer("Answer: 8", "8", 0, 1, 1, (), 4, 1.0))
    lines = _show(save("What?", runtime=FakeRuntime(events=[BranchFinished(branch), vote])))

    assert [line.split()[0] for line in lines[-3:]] == ["Stopped", "Answer", "Answer:"]


@pytest.mark.parametrize("count", [2, 8])
def test_equal_branches_are_one_line(count: int) -> None:
    """With their number; one that differs has a line of its own."""
    equal = [
        Branch(at, hit(at % 2 + 1), at, "", "Answer: 8", "8", 5, 1.0, "end") for at in range(count)
    ]
    other = Branch(count, None, 1, "", "Answer: 9", "9", 5, 1.0, "end")
    vote = Answered(Answer("Answer: 8", "8", 0, count, count + 1, (1, 2), 45, 1.0))
    events: list[Event] = [*map(BranchFinished, (*equal, other)), vote]
    lines = [
        line
        for line in _show(save("What?", runtime=FakeRuntime(events=events)))
        if line.startswith("Reason")
    ]

    assert len(lines) == 2
    assert f"{count} x branches 1, 2" in lines[0]
    assert "under entries 1, 2: 8" in lines[0]
    assert f"branch {count + 1} under no hint: 9" in lines[1]


def test_an_attachment_is_named_in_lists() -> None:
    """By its size; the question stays readable."""
    id = save(attach_text("What does it do?", "x = 1\ny = 2"))

    assert "What does it do? [attached: 2 lines, 11 characters]" in run().stdout
    assert _show(id)[1:3] == ["Question  What does it do?", "Attached  2 lines, 11 characters"]
