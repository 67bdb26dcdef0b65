"""`rm-local search`, over a scripted store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from rm_local.cli.main import cli
from rm_local.cli.search import wrap_prose_but_not_code
from rm_local.errors import EmbedderMismatchError
from rm_local.records import Entry, Hit
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import (
    hit,
)

Use = Callable[..., FakeRuntime]


def run(*arguments: str, text: str | None = None) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["search", *arguments], input=text)


def test_hits_are_listed_best_first(use: Use) -> None:
    """Each hit has its score, its subproblem, where it comes from, and why it was found."""
    use()

    result = run("how do I add")

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "█████████░  0.90  How do I do thing 1?"
    assert lines[1].split() == ["entry", "1", "math", "hand/thing-1", "similarity", "0.90"]
    assert [line.split()[1] for line in lines[::2]] == ["0.90", "0.70", "0.50"]


def test_the_score_that_sorts_is_shown_with_its_parts(use: Use) -> None:
    """A hit by its words stands above a nearer one, and says by which words."""
    words = replace(hit(2, 0.41, lexical=1.0), words=("fractions", "roots"))
    use(recall=FakeRecall([words, hit(1, 0.63)]))

    lines = run("fractions and roots").stdout.splitlines()

    assert [line.split()[1] for line in lines[::2]] == ["0.71", "0.63"]
    assert lines[1].endswith("similarity 0.41, words: fractions, roots")
    assert lines[3].endswith("similarity 0.63")


@pytest.mark.parametrize("text", ["add fractions", "kinetic energy of a body", "Python slice"])
def test_hits_of_the_shipped_store_are_sorted_by_the_score(text: str) -> None:
    """As shown, and in JSON, where each has its words, too."""
    scores = [float(line.split()[1]) for line in run(text).stdout.splitlines()[::2]]
    hits = json.loads(run("--json", text).stdout)["hits"]

    assert scores == sorted(scores, reverse=True)
    assert [round(each["score"], 2) for each in hits] == pytest.approx(scores)
    for each in hits:
        assert each["score"] == pytest.approx(each["similarity"] + 0.3 * each["lexical"])
        assert bool(each["words"]) == (each["lexical"] > 0)
        assert all(word in each["subproblem"].lower() for word in each["words"])


def test_no_model_is_loaded(use: Use) -> None:
    """The model that reasons is not touched."""
    runtime = use()

    run("how do I add")

    assert runtime.engine.loads == []
    assert runtime.engine.closed


def test_k_is_how_many(use: Use) -> None:
    """-k takes the first so many."""
    use()

    assert len(run("-k", "2", "how do I add").stdout.splitlines()) == 4


def test_full_shows_the_subroutine(use: Use) -> None:
    """--full adds the whole text below each hit."""
    use()

    assert "For problems like this, I should do thing 1" in run("--full", "add").stdout


@pytest.mark.parametrize(
    "subroutine",
    [
        "I write\n\n```python\ndef add(a, b):\n    return a + b  # "
        + "long " * 30
        + "\n```\n\nDone.",
        "1. test it\n2. ship it\n   - twice",
        "| a | b |\n|---|---|\n| 1 | " + "2 " * 80 + "|",
        "Indented:\n\n    x = 1\n    if x:\n        y = " + "x + " * 40 + "x",
        "~~~~\n```\n" + "inner " * 40 + "\n~~~~",
    ],
)
def test_full_keeps_lines_on_a_terminal(
    use: Use, monkeypatch: pytest.MonkeyPatch, subroutine: str
) -> None:
    """Code, lists and tables, whatever the length of their lines; indented below their hit."""
    use(recall=FakeRecall([Hit(Entry("How?", subroutine, id=1), 0.9)]))
    for module in ("context", "search"):
        monkeypatch.setattr(f"rm_local.cli.{module}.is_terminal", lambda _: True)

    shown = run("--full", "add").stdout.splitlines()[2:-1]

    assert [line[18:] for line in shown] == [line.rstrip() for line in subroutine.split("\n")]


@pytest.mark.parametrize(
    "subroutine",
    [
        "I take a long line of prose. " * 20,
        "\tA tab, two  blanks, and blanks at the end:   \n\n\n  - an item\n",
        "\x1b[31mRed\x1b[0m, a bell \x07, \u202ereversed\u202c and a null \x00.",
        "A carriage\rreturn, a form\x0cfeed, a line\u2028separator",
    ],
)
def test_full_is_exact_without_a_terminal(use: Use, subroutine: str) -> None:
    """Every character of a text, for the program that reads it."""
    use(recall=FakeRecall([Hit(Entry("How?", subroutine, id=1), 0.9)]))

    shown = run("--full", "add").stdout_bytes.decode()

    assert shown.split("\n", 2)[2] == subroutine + "\n\n"


def test_a_terminal_gets_no_control_characters(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of an entry could drive it."""
    use(recall=FakeRecall([Hit(Entry("How?", "\x1b]0;title\x07a\x1b[2Jb\x00", id=1), 0.9)]))
    for module in ("context", "search"):
        monkeypatch.setattr(f"rm_local.cli.{module}.is_terminal", lambda _: True)

    shown = run("--full", "add").stdout

    assert shown.splitlines()[2].strip() == "ab"


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("word " * 30, "word", "word"),
        ("- " + "item " * 30, "- item", "  item"),
        ("12. " + "item " * 30, "12. item", "    item"),
    ],
)
def test_long_lines_of_prose_and_lists_are_wrapped(text: str, first: str, second: str) -> None:
    """Items of a list are indented."""
    lines = [*wrap_prose_but_not_code(text, 60)]

    assert len(lines) > 1
    assert all(len(line) <= 60 for line in lines)
    assert lines[0].startswith(first)
    assert lines[1].startswith(second)


@pytest.mark.parametrize(
    "text",
    [
        "二つの数を足す方法は何ですか。" * 10,
        "- " + "두 수를 더하는 방법 " * 10,
        "1. 数を足す " + "and a word " * 10,
        "🦙 " * 60,
    ],
)
def test_wide_characters_are_wrapped_by_cells(text: str) -> None:
    """Nothing is lost, also without blanks between words."""
    lines = [*wrap_prose_but_not_code(text, 41)]

    assert len(lines) > 1
    assert all(cell_len(line) <= 41 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_json_is_one_object(use: Use) -> None:
    """Programs get each hit's fields, best first."""
    use()

    hits = json.loads(run("--json", "how do I add").stdout)["hits"]

    assert [each["id"] for each in hits] == [1, 2, 3]
    assert {"similarity", "subproblem", "subroutine", "domain", "source"} <= set(hits[0])


def test_an_empty_text_is_refused(use: Use) -> None:
    """Exit code 2, before anything is opened."""
    use()

    result = run("-", text=" \n")

    assert result.exit_code == 2
    assert "The text is empty." in result.stderr


def test_an_empty_store_says_so(use: Use) -> None:
    """No hits is no error; standard output stays empty."""
    use(recall=FakeRecall([]))

    result = run("how do I add")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no such entry" in result.stderr


def test_a_store_that_does_not_open_ends_with_exit_code_4(use: Use) -> None:
    """Exit code 4, with what to do."""
    use(store_error=EmbedderMismatchError("Made by another embedder.", "Build it again."))

    result = run("how do I add")

    assert result.exit_code == 4
    assert result.stderr == "error: Made by another embedder.\n  Build it again.\n"


def test_an_entry_cannot_steer_the_terminal(use: Use) -> None:
    """TurnControl characters of a store are taken out."""
    use(recall=FakeRecall([hit(1, 0.9, "How\x1b[31m do\nI\x9b2J add?")]))

    assert "How do I add?" in run("add").stdout


@pytest.mark.parametrize("similarity", [-0.2, 0.0, 1.0])
def test_bars_have_one_width(use: Use, similarity: float) -> None:
    """Negative and full similarities draw a bar of ten cells too."""
    use(recall=FakeRecall([hit(1, similarity)]))

    assert len(run("add").stdout.split()[0]) == 10


def test_a_search_can_be_narrowed() -> None:
    """To entries of one domain, in the real store, with more effort when asked for."""
    hits = json.loads(run("--json", "--domain", "physics", "--breadth", "2", "energy").stdout)[
        "hits"
    ]
    assert hits
    assert {hit["domain"] for hit in hits} == {"physics"}


def test_a_notice_is_written_to_standard_error(use: Use) -> None:
    """Also one that was reported before anything was searched; the hits stay alone on output."""
    runtime = use(recall=FakeRecall([hit(1, 0.9)]))
    runtime.publish_notice_once("The log cannot be written.")

    result = run("--json", "add")

    assert result.stderr == "warning: The log cannot be written.\n"
    assert len(json.loads(result.stdout)["hits"]) == 1
