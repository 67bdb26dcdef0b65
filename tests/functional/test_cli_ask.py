"""`rm-local ask`, over the real loop with a scripted engine."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli
from rm_local.cli.sessions import format_turn_steps
from rm_local.engine.branches import ContextOverflowReport
from rm_local.engine.protocol import ModelInfo
from rm_local.errors import ContextOverflowError, ModelNotFoundError, StoreNotFoundError
from rm_local.loop.events import Answered, event_from_json
from rm_local.loop.turn import apply_event, create_initial_turn_state
from rm_local.records import Answer, Entry, Hit
from rm_local.sessions import Journal, list_sessions
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import INFO, FakeEngine, Step, died, say, think
from tests.support.folders import path_of

Use = Callable[..., FakeRuntime]


def run(*arguments: str, text: str | None = None) -> Result:
    """The command's end, with standard output and standard error apart."""
    return CliRunner().invoke(cli, ["ask", *arguments], input=text)


def events(result: Result) -> list[dict[str, Any]]:
    """The JSON objects on standard output, one a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_answer_is_all_of_standard_output(use: Use) -> None:
    """Standard output holds the answer; standard error subproblem, hits, branches and cost."""
    use()
    result = run("What is 4 + 4?")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Answer: 8\n"
    for word in (
        "Formulate",
        "add two numbers",
        "Memory",
        "2 hits",
        "0.90",
        "Reason",
        "branches agreed",
    ):
        assert word in result.stderr


def test_a_full_context_is_reported(use: Use) -> None:
    """What was done about it, a branch that ended there, and how much is taken at the end."""
    made = ContextOverflowReport("The context was full: the oldest turn was left out.", 1, 4096)
    branches: list[list[Step]] = [[say("Answer: 8")], [think("on and on"), "context"]]
    use(engine=FakeEngine(room=made, branches=branches))

    output = run("What is 4 + 4?").stderr
    use(engine=FakeEngine(room=made, branches=branches))
    lines = events(run("--json", "What is 4 + 4?"))

    assert made.message in output
    assert "the context is full" in output
    assert "20 of 4,096 tokens" in output
    assert [line for line in lines if line["event"] == "room_made"] == [
        {"event": "room_made", "message": made.message, "dropped": 1, "context": 4096}
    ]
    used = [line for line in lines if line["event"] == "context_used"]
    assert used[0] == {"event": "context_used", "used": 20, "longest": 20, "context": 4096}


def test_a_hint_that_is_too_long_is_reported(use: Use) -> None:
    """Where it is cut, on standard error, as an event, and in the saved session."""
    entry = Entry("How do I add two numbers?", "I should count on. " * 3000, id=7)
    hits = (Hit(entry, 0.9),)
    use(recall=FakeRecall(hits))
    result = run("What is 4 + 4?")
    use(recall=FakeRecall(hits))
    lines = events(run("--json", "What is 4 + 4?"))
    (event,) = [event_from_json(line) for line in lines if line["event"] == "hint_cut"]
    saved = apply_event(create_initial_turn_state("What is 4 + 4?", 0.0), event, 0.0)

    (cut,) = [line for line in lines if line["event"] == "hint_cut"]
    assert cut["id"] == 7
    assert 0 < cut["kept"] < INFO.context < cut["tokens"]
    assert cut["message"] in result.stderr
    assert result.stdout == "Answer: 8\n"
    (read,) = {line["hint"]["subroutine"] for line in lines if line["event"] == "branch_started"}
    assert read.endswith("count on.")
    assert entry.subroutine.startswith(read)
    assert any(cut["message"] in line for line in format_turn_steps(saved))


def test_quiet_leaves_standard_error_empty(use: Use) -> None:
    """With --quiet standard error stays empty."""
    use()

    result = run("-q", "What is 4 + 4?")

    assert (result.stdout, result.stderr) == ("Answer: 8\n", "")


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_the_question_may_come_on_standard_input(use: Use, arguments: list[str]) -> None:
    """Without a question, or with `-`, standard input is read."""
    runtime = use()

    result = run("-q", *arguments, text="What is\n4 + 4?\n")

    assert result.exit_code == 0, result.stderr
    assert runtime.questions[0] == "What is\n4 + 4?"


def test_words_need_no_quotation_marks(use: Use) -> None:
    """Several arguments are one question."""
    runtime = use()

    run("-q", "What", "is", "4 + 4?")

    assert runtime.questions[0] == "What is 4 + 4?"


def test_json_is_one_event_a_line(use: Use) -> None:
    """The events come in their order; the last holds what programs rely on."""
    use()

    result = run("--json", "What is 4 + 4?")

    printed_events = events(result)
    names = [event["event"] for event in printed_events if event["event"] != "context_used"]
    assert [name for i, name in enumerate(names) if name not in names[:i]] == [
        "model_loading",
        "gated",
        "formulating",
        "formulated",
        "retrieved",
        "branch_started",
        "token",
        "branch_finished",
        "answered",
    ]
    assert printed_events[-1]["answer"] == "8"
    assert {"agreed", "branches", "hints", "tokens", "seconds"} <= set(printed_events[-1])
    assert result.stderr == ""


def test_options_change_the_plan(use: Use) -> None:
    """--plan, --samples, --hints, --max-tokens and --seed reach the loop."""
    runtime = use()

    options = ("--plan=random-hints", "--samples=4", "--hints=2", "--max-tokens=99", "--seed=7")
    run("-q", *options, "4 + 4?")

    plan, steering = runtime.solved[0].plan, runtime.solved[0].overrides
    assert (plan.name, plan.samples, plan.hints, plan.max_tokens) == ("random-hints", 4, 2, 99)
    assert steering.seed == 7
    assert (plan.thinking, plan.effort) == (True, "")


def test_a_model_that_fails_is_loaded_once(use: Use) -> None:
    """Narrated or not: what failed for a minute is not tried for another."""

    class Fails(FakeEngine):
        async def load_model(self, model: Path, **_: object) -> ModelInfo:
            self.loads.append(model)
            raise ModelNotFoundError("There is no model.", "Choose one.")

    engine = Fails()
    use(engine=engine)

    result = run("4 + 4?")

    assert result.exit_code == 3
    assert result.stderr.endswith("turn 1\nerror: There is no model.\n  Choose one.\n")
    assert len(engine.loads) == 1


@pytest.mark.parametrize(
    ("setting", "arguments", "manner"),
    [
        ("true", ["--no-thinking"], (False, "")),
        ("false", [], (False, "")),
        ("false", ["--thinking", "--effort=low"], (True, "low")),
    ],
)
def test_how_to_think_reaches_the_engine(
    use: Use, setting: str, arguments: list[str], manner: tuple[bool, str]
) -> None:
    """The setting says whether, an option goes over it; --effort says how much."""
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text(f"thinking = {setting}\n")
    runtime = use()

    run("-q", *arguments, "4 + 4?")

    assert runtime.engine.manners[-1] == manner


def saved(*questions: str) -> Path:
    """A session in which each question follows the one before."""
    journal = Journal(paths.sessions_dir(), model="fake.gguf", store="fake.rms")
    for number, question in enumerate(questions, 1):
        journal.write_question(question, "memory", turn=number, after=number - 1)
        journal.write_event(Answered(Answer(f"A{number}", None, 0, 1, 1, (), 5, 0.5)))
    journal.close()
    return path_of(journal)


def test_a_session_is_resumed_by_its_option(use: Use) -> None:
    """--continue takes the last session, --session any, also after one of its earlier turns."""
    path = saved("Q1", "Q2")
    runtime = use()

    for arguments in (["-c"], ["--session", path.stem], ["--session=last:1"], []):
        assert run("-q", *arguments, "And then?").exit_code == 0

    assert [[message.content for message in turn] for turn in runtime.engine.turns] == [
        ["Q1", "A1", "Q2", "A2", "And then?"],
        ["Q1", "A1", "Q2", "A2", "And then?", "Answer: 8", "And then?"],
        ["Q1", "A1", "And then?"],
        ["And then?"],
    ]
    assert [session.turns for session in list_sessions()] == [1, 5]


def test_the_place_where_a_turn_is_saved_is_reported(use: Use) -> None:
    """Session, turn and what it follows; and that the model does not read the earlier ones."""
    path = saved("Q1")
    use(engine=FakeEngine(info=replace(INFO, converses=False)))

    result = run("-c", "And then?")

    assert f"{path.stem}, turn 2, after turn 1" in result.stderr
    assert "supports only single questions" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-c"], "There is no session yet."),
        (["--session", "2026"], "There is no session '2026'."),
    ],
)
def test_a_missing_session_is_wrong_usage(use: Use, arguments: list[str], words: str) -> None:
    """Exit code 2, and nothing is solved."""
    runtime = use()

    result = run(*arguments, "And then?")

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not runtime.solved


@pytest.mark.parametrize("turn", ["2", "0", "x", ""])
def test_a_missing_turn_of_a_session_is_wrong_usage(use: Use, turn: str) -> None:
    """Exit code 2, and where the numbers are."""
    saved("Q1")
    runtime = use()

    result = run("--session", f"last:{turn}", "And then?")

    assert result.exit_code == 2
    assert f"has no turn '{turn}'" in result.stderr
    assert "sessions show" in result.stderr
    assert not runtime.solved


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["  "], "The question is empty."),
        (["-"], "The question is empty."),
        (["--plan", "mmeory", "4 + 4?"], "There is no plan 'mmeory'."),
        (["--samples", "0", "4 + 4?"], "--samples"),
        (["--nonsense", "4 + 4?"], "--nonsense"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(use: Use, arguments: list[str], words: str) -> None:
    """Exit code 2, what is wrong on standard error, and nothing is solved."""
    runtime = use()

    result = run(*arguments, text="\n")

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not runtime.solved


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ({"model_error": ModelNotFoundError("No model there.", "Name one.")}, 3, "No model there."),
        ({"store_error": StoreNotFoundError("No store there.", "Name one.")}, 4, "No store there."),
        (
            {"engine": FakeEngine(refuse=ContextOverflowError("Too long.", "Cut it."))},
            3,
            "Too long.",
        ),
        ({"engine": FakeEngine(branches=[[think("hm"), died()]])}, 3, "was killed"),
    ],
)
def test_failures_have_an_exit_code(use: Use, parts: dict[str, Any], code: int, words: str) -> None:
    """Message and remedy on standard error, the error's exit code, nothing on standard output."""
    use(**parts)

    result = run("-q", "4 + 4?")

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert "\n  " in result.stderr


def test_a_failed_turn_is_an_event_too(use: Use) -> None:
    """With --json the last line is `failed` with its message, remedy and exit code."""
    use(store_error=StoreNotFoundError("No store there.", "Name one."))

    result = run("--json", "4 + 4?")

    assert result.exit_code == 4
    assert events(result)[-1] == {
        "event": "failed",
        "message": "No store there.",
        "remedy": "Name one.",
        "exit_code": 4,
    }


@pytest.mark.parametrize("arguments", [[], ["-q"], ["--json"]])
def test_a_notice_is_written_to_standard_error_once(use: Use, arguments: list[str]) -> None:
    """Narrated, quiet or as JSON; there it is an event of the turn, too."""
    note = "The memory that is free holds a context of 4,096 tokens, not 16,384."
    use(engine=FakeEngine(info=replace(INFO, notes=(note,))))

    result = run(*arguments, "4 + 4?")

    assert result.stderr.count(f"warning: {note}\n") == 1
    if arguments == ["--json"]:
        assert {"event": "notice", "text": note} in events(result)
    else:
        assert result.stdout == "Answer: 8\n"


class Interrupt(asyncio.Event):
    """A step of the script: here the person presses Ctrl+C."""

    def is_set(self) -> bool:
        """Never; the first question whether it is sends the signal."""
        if not self.sent:
            self.sent = True
            signal.raise_signal(signal.SIGINT)
        return False

    sent = False


def test_ctrl_c_stops_and_keeps_what_there_is(use: Use) -> None:
    """Exit code 130; what the branches have answered by then is still shown."""
    first: list[Step] = [think("4 and 4 make 8."), say("Answer: 8")]
    second: list[Step] = [think("Let"), think(" me"), think(" see."), Interrupt()]
    use(engine=FakeEngine(branches=[first, second]))

    result = run("4 + 4?")

    assert result.exit_code == 130, result.stderr
    assert result.stdout == "Answer: 8\n"
    assert "stopped" in result.stderr


def test_control_characters_never_reach_the_terminal(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an entry nor the model's text can steer the terminal."""
    for module in ("context", "answer_printer"):
        monkeypatch.setattr(f"rm_local.cli.{module}.is_terminal", lambda _stream: True)
    entry = Entry("How\x1b[2J do I add?", "I should\x07 add.", "math", "hand/\x9b31mx", id=1)
    steps = [think("8"), say("Answer: \x1b]0;owned\x078")]
    use(engine=FakeEngine(branches=[steps]), recall=FakeRecall([Hit(entry, 0.9)]))

    result = run("4 + 4?")

    assert result.exit_code == 0
    output = result.stdout + result.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(output)
    assert "How do I add?" in output
