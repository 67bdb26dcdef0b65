"""How `rm-local ask` prints an answer while it is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.answer_printer import ABANDONED, AnswerPrinter
from rm_local.cli.escape_buffer import SanitizingEscapeBuffer
from rm_local.cli.main import cli
from rm_local.engine.branches import TokenChunk
from rm_local.loop.events import Answered, BranchStarted, Failed, GateDecided, HitsJudged, Retrieved
from rm_local.loop.plan import find_plan
from rm_local.records import Answer, Hit
from rm_local.text import sanitize_for_terminal
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import FakeEngine, hit, say, think

Use = Callable[..., FakeRuntime]
PROSE = "Berlin is the capital.\n\n- It is large.\n- It is old."


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["ask", *arguments])


def chunk(text: str, *, branch: int = 0) -> TokenChunk:
    """A piece of the text of a branch."""
    return TokenChunk(branch, "answer", text, 1)


def answered(text: str) -> Answered:
    """The end of a turn with this answer."""
    return Answered(Answer(text, None, 0, 1, 1, (), 5, 0.5))


@pytest.mark.parametrize(
    ("plan", "before", "streams"),
    [
        ("direct", [], True),
        ("memory", [GateDecided(False, "nothing_fits")], True),
        ("memory", [GateDecided(True, "fits"), Retrieved((), 0.1)], True),
        ("memory", [Retrieved((hit(1),), 0.1), HitsJudged((), 0.1)], True),
        ("memory", [GateDecided(True, "fits"), Retrieved((hit(1),), 0.1)], False),
        ("length-vote", [], False),
        ("paper", [Retrieved((), 0.1)], False),
    ],
)
def test_the_only_branch_is_printed_while_it_grows(
    plan: str, before: list[object], streams: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """With several branches nothing is printed before the answer is chosen."""
    printer = AnswerPrinter(find_plan(plan))
    for event in [*before, BranchStarted(0, None), chunk("\nBerlin is"), chunk(" the")]:
        printer.print_answer_part(event)  # type: ignore[arg-type]

    assert capsys.readouterr().out == ("Berlin is the" if streams else "")

    printer.print_answer_part(chunk(" capital. "))
    printer.print_answer_part(answered("Berlin is the capital."))

    rest = " capital.\n" if streams else "Berlin is the capital.\n"
    assert capsys.readouterr().out == rest


def test_another_answer_than_the_streamed_one_follows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a line of its own."""
    printer = AnswerPrinter(find_plan("direct"))
    printer.print_answer_part(chunk("one one"))
    printer.print_answer_part(answered("two"))

    assert capsys.readouterr().out == "one one\ntwo\n"


def abandon_first_branch(printer: AnswerPrinter) -> None:
    """Let a branch under a hint repeat itself, and another one without a hint answer."""
    events = [
        Retrieved((hit(1),), 0.1),
        BranchStarted(0, hit(1)),
        chunk("over and over"),
        chunk(" and over"),
        BranchStarted(1, None),
        chunk("Berlin", branch=1),
        chunk(" is it.", branch=1),
        answered("Berlin is it."),
    ]
    for event in events:
        printer.print_answer_part(event)  # type: ignore[arg-type]


def test_a_dropped_text_is_not_in_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads the answer alone."""
    abandon_first_branch(AnswerPrinter(replace(find_plan("memory"), samples=1)))

    assert capsys.readouterr().out == "Berlin is it.\n"


def test_a_dropped_text_is_set_apart_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was shown while it grew; a line says that another text follows."""
    for module in ("answer_printer", "context"):
        monkeypatch.setattr(f"rm_local.cli.{module}.is_terminal", lambda _: True)
    abandon_first_branch(AnswerPrinter(replace(find_plan("memory"), samples=1)))

    assert capsys.readouterr().out == f"over and over and over\n{ABANDONED}\nBerlin is it.\n"


@pytest.mark.parametrize("under", [hit(1), None])
def test_the_only_branch_is_printed_once(
    capsys: pytest.CaptureFixture[str], under: Hit | None
) -> None:
    """Whether it was held back, because it has a hint, or not."""
    printer = AnswerPrinter(replace(find_plan("memory"), samples=1))
    for event in [BranchStarted(0, under), chunk("Berlin "), chunk("is it.")]:
        printer.print_answer_part(event)  # type: ignore[arg-type]

    assert capsys.readouterr().out == ("" if under else "Berlin is it.")

    printer.print_answer_part(answered("Berlin is it."))

    assert capsys.readouterr().out == ("Berlin is it.\n" if under else "\n")


def test_a_failure_ends_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What was written stays."""
    printer = AnswerPrinter(find_plan("direct"))
    printer.print_answer_part(chunk("half of"))
    printer.print_answer_part(Failed("The worker died.", "", 3))

    assert capsys.readouterr().out == "half of\n"


@pytest.mark.parametrize("arguments", [("-q",), ()])
def test_a_streamed_answer_is_the_whole_output(use: Use, arguments: tuple[str, ...]) -> None:
    """Byte for byte as without streaming; thinking and steps are not in it."""
    engine = FakeEngine(branches=[[think("hm"), say(f"{PROSE}  \n")]])
    use(engine=engine, recall=FakeRecall([]))

    result = run(*arguments, "--plan", "direct", "Why?")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{PROSE}\n"


def test_it_is_printed_before_the_branch_ends(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch waits until the first words are on standard output."""
    gate = asyncio.Event()
    written: list[str] = []

    def write(text: str = "", **how: object) -> None:
        if not how.get("err"):
            written.append(text)
            gate.set()

    monkeypatch.setattr("rm_local.cli.answer_printer.click.echo", write)
    use(engine=FakeEngine(branches=[[say("First words"), gate, say(" and the last.")]]))

    result = run("-q", "--plan", "direct", "Why?")

    assert result.exit_code == 0, result.stderr
    assert "".join(written) == "First words and the last."


def test_json_has_only_events(use: Use) -> None:
    """Nothing is streamed with them."""
    use(engine=FakeEngine(branches=[[say(PROSE)]]))

    lines = run("--json", "--plan", "direct", "Why?").stdout.splitlines()

    assert json.loads(lines[-1])["text"] == PROSE


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "a\x1b[31mred\x1b[0m b",
        "x\x1b]0;title\x07y",
        "\x9b2Jz\nnext",
        "open \x1b[3",
        " \n a \n",
    ],
)
def test_pieces_are_sanitized_like_the_whole(text: str) -> None:
    """Also when a sequence is cut between two pieces; white space at the end is left out."""
    for size in (1, 2, 3, 100):
        buffer = SanitizingEscapeBuffer()
        pieces = [
            buffer.add_and_take_printable(text[at : at + size]) for at in range(0, len(text), size)
        ]

        assert "".join(pieces) + buffer.take_rest() == sanitize_for_terminal(text).rstrip()
