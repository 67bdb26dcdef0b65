"""The labelled questions of the seed store: well-formed, distinct, and true to what is shipped."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rm_local import paths
from rm_local.cli.main import cli

QUESTIONS = Path(__file__).resolve().parents[3] / "models" / "seed" / "questions"

GATE_LEAST = {
    "fits": 210,
    "nothing_fits": 90,
    "greeting": 20,
    "small_talk": 25,
    "rewrite": 20,
    "translate": 15,
    "about_program": 15,
    "fact": 25,
}
"""Fewest questions of each kind in gate.jsonl."""

CONVERSATION = {"small_talk": 20, "open": 20, "short_answer": 20, "other_language": 20}
"""Questions of each kind in conversation.jsonl."""

FOREIGN_LEAST = 60
"""Fewest questions of gate.jsonl that are not in English."""


def read_questions(name: str) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file, one a line."""
    text = (QUESTIONS / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def strip_punctuation(question: str) -> str:
    """Letters and digits alone, in one case: what is left equal is the same question."""
    return "".join(character for character in question.casefold() if character.isalnum())


@pytest.fixture(scope="module")
def gate() -> list[dict[str, Any]]:
    """The questions with and without a fitting entry."""
    return read_questions("gate.jsonl")


@pytest.fixture(scope="module")
def conversation() -> list[dict[str, Any]]:
    """The questions that need no entry, some with a target."""
    return read_questions("conversation.jsonl")


def test_gate_questions_have_exactly_the_documented_fields(gate: list[dict[str, Any]]) -> None:
    """Each value is one that the README allows, and only `fits` names entries."""
    for each in gate:
        assert list(each) == ["id", "question", "kind", "entries", "half", "language"], each
        assert each["question"].strip() == each["question"] != "", each
        assert each["kind"] in GATE_LEAST, each
        assert each["half"] in {"fit", "show"}, each
        assert re.fullmatch("[a-z]{2}", each["language"]), each
        fewest, most = (1, 2) if each["kind"] == "fits" else (0, 0)
        assert fewest <= len(each["entries"]) <= most, each
        assert len(set(each["entries"])) == len(each["entries"]), each


def test_conversation_questions_have_exactly_the_documented_fields(
    conversation: list[dict[str, Any]],
) -> None:
    """A target is a list of texts; short answers have one, small talk and open questions none."""
    for each in conversation:
        assert list(each) == ["id", "question", "kind", "language", "target"], each
        assert each["question"].strip() == each["question"] != "", each
        assert re.fullmatch("[a-z]{2}", each["language"]), each
        assert (each["language"] == "en") == (each["kind"] != "other_language"), each
        if each["target"] is not None:
            assert each["target"], each
            assert all(form.strip() == form != "" for form in each["target"]), each
        if each["kind"] != "other_language":
            assert (each["target"] is not None) == (each["kind"] == "short_answer"), each


def test_there_are_enough_questions_of_each_kind(
    gate: list[dict[str, Any]], conversation: list[dict[str, Any]]
) -> None:
    """Thresholds are chosen on halves, so that each kind has to have some in both."""
    counts = Counter(each["kind"] for each in gate)
    assert {kind: least for kind, least in GATE_LEAST.items() if counts[kind] < least} == {}
    assert len(gate) >= 420
    assert sum(each["language"] != "en" for each in gate) >= FOREIGN_LEAST
    assert Counter(each["kind"] for each in conversation) == CONVERSATION


def test_halves_are_alike_within_each_kind(gate: list[dict[str, Any]]) -> None:
    """They differ by one question at most, also among those that are not in English."""
    for kind in GATE_LEAST:
        own = [each for each in gate if each["kind"] == kind]
        for group in (own, [each for each in own if each["language"] != "en"]):
            halves = Counter(each["half"] for each in group)
            assert abs(halves["fit"] - halves["show"]) <= 1, kind


def test_no_question_and_no_id_is_there_twice(
    gate: list[dict[str, Any]], conversation: list[dict[str, Any]]
) -> None:
    """In both files together; upper case and punctuation make no other question."""
    both = [*gate, *conversation]
    ids = Counter(each["id"] for each in both)
    texts = Counter(strip_punctuation(each["question"]) for each in both)
    assert [key for key, count in (ids + texts).items() if count > 1] == []
    assert "" not in texts


def test_named_entries_are_in_the_shipped_store(gate: list[dict[str, Any]]) -> None:
    """Word for word, as `store export` writes them."""
    arguments = ["--store", str(paths.shipped_store()), "store", "export"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    shipped = {json.loads(line)["subproblem"] for line in result.stdout.splitlines()}
    named = {subproblem for each in gate for subproblem in each["entries"]}
    assert shipped
    assert named - shipped == set()
