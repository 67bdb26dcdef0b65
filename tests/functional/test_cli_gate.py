"""`rm-local store gate`, over a store that rm-static has embedded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.embed import load_shipped_static
from rm_local.records import Entry
from rm_local.store import Store

ENTRIES = (
    "How to compute the kinetic energy from the mass and the speed?",
    "How to add two fractions with different denominators?",
)
LABELLED: tuple[tuple[str, list[str], str], ...] = (
    ("what kinetic energy has a mass with this speed", [ENTRIES[0]], "show"),
    ("how do i add fractions with different denominators", [ENTRIES[1]], "show"),
    ("hello there", [], "show"),
    ("good morning to you all", [], "fit"),
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two entries."""
    static, path = load_shipped_static(), tmp_path / "two.rms"
    with Store.create(path, embedder=static.id, known_words=static.known_words) as opened:
        entries = [Entry(each, "I should do it.", "math", "test") for each in ENTRIES]
        opened.add_entries(entries, static.embed(ENTRIES))
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Labelled questions of two halves."""
    path = tmp_path / "questions.jsonl"
    lines = [json.dumps({"question": q, "entries": e, "half": h}) for q, e, h in LABELLED]
    path.write_text("\n".join(lines), "utf-8")
    return path


def run(*arguments: str | Path) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["store", "gate", *map(str, arguments)])


def warnings(result: Result) -> list[str]:
    """What it says on standard error, without its progress."""
    return [line for line in result.stderr.splitlines() if not line.startswith("questions ")]


def test_the_curve_says_what_is_kept_and_what_is_silent(store: Path, questions: Path) -> None:
    """At the threshold in use, and from all open to all shut."""
    result = run(questions, "--store", store, "--json")
    result_data = json.loads(result.stdout)
    (used,) = (point for point in result_data["curve"] if point["in_use"])

    assert result_data["questions"] == 4
    assert (used["kept"], used["silent"]) == (1.0, 1.0)
    thresholds = [point["threshold"] for point in result_data["curve"]]
    assert thresholds == sorted(thresholds)
    assert result_data["curve"][0]["kept"] == 1.0
    assert result_data["curve"][-1]["silent"] == 1.0


def test_a_half_can_be_chosen(store: Path, questions: Path) -> None:
    """The figures are then of that half alone."""
    result = run(questions, "--store", store, "--half", "show")

    assert "3 questions: 2 find their entry among the first three, 1 have none." in result.stdout
    assert "in use" in result.stdout


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"entries": []}',
        '{"question": 7}',
        '{"question": "why", "entries": "How?"}',
        '{"question": "why", "entries": [7]}',
    ],
)
def test_what_is_no_labelled_question_is_named(store: Path, tmp_path: Path, line: str) -> None:
    """With its line, and how a line should be."""
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": "why", "entries": []}\n' + line, "utf-8")
    result = run(path, "--store", store)

    assert result.exit_code == 2
    assert "Line 2" in result.stderr
    assert '"entries"' in result.stderr


def test_a_half_without_questions_is_an_error(store: Path, questions: Path) -> None:
    """No curve is made of nothing."""
    assert run(questions, "--store", store, "--half", "other").exit_code == 2


def write(path: Path, *lines: dict[str, object]) -> Path:
    """A file of these lines."""
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path


def test_a_share_of_no_questions_is_left_empty(store: Path, tmp_path: Path) -> None:
    """And a share of no question is no share: `-`, and null for programs."""
    path = write(tmp_path / "none.jsonl", {"question": "hello there"}, {"question": "good morning"})
    result = run(path, "--store", store)
    (used,) = (line for line in result.stdout.splitlines() if "in use" in line)
    curve = json.loads(run(path, "--store", store, "--json").stdout)["curve"]

    assert "2 questions: 0 find their entry among the first three, 2 have none." in result.stdout
    assert used.split()[1:3] == ["-", "100.0%"]
    assert {point["kept"] for point in curve} == {None}
    assert warnings(result) == []


def test_questions_that_all_have_an_entry_leave_the_silent_share_empty(
    store: Path, tmp_path: Path
) -> None:
    """None of them could have been silent."""
    path = write(tmp_path / "all.jsonl", {"question": LABELLED[0][0], "entries": [ENTRIES[0]]})
    (used,) = (x for x in run(path, "--store", store).stdout.splitlines() if "in use" in x)

    assert used.split()[1:3] == ["100.0%", "-"]


def test_labels_that_name_no_entry_are_warned_of(store: Path, tmp_path: Path) -> None:
    """In one line, with their number and the first; each counts once."""
    wrong = [ENTRIES[0].lower(), "How to cook?"]
    lines: list[dict[str, object]] = [
        {"question": "why", "entries": [*ENTRIES, *wrong]},
        {"question": "a", "entries": wrong},
    ]
    several = run(write(tmp_path / "several.jsonl", *lines), "--store", store)
    one = run(
        write(tmp_path / "one.jsonl", {"question": "a", "entries": wrong[1:]}), "--store", store
    )

    assert several.exit_code == one.exit_code == 0
    assert warnings(several) == [
        f"warning: 2 labels name no entry of the store, first '{wrong[0]}'."
    ]
    assert warnings(one) == ["warning: 1 label names no entry of the store: 'How to cook?'."]
