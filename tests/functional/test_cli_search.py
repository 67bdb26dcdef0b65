"""`rm-local search`, over a scripted store."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.errors import EmbedderMismatchError
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
    """Each hit has its bar, its similarity, its subproblem and where it comes from."""
    use()

    result = run("how do I add")

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "█████████░  0.90  How do I do thing 1?"
    assert lines[1].split() == ["entry", "1", "math", "hand/thing-1"]
    assert [line.split()[1] for line in lines[::2]] == ["0.90", "0.70", "0.50"]


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
