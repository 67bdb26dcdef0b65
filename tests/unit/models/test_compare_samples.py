"""Samples of a comparison: taken from events, kept on disk, continued after a kill."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from models.compare.questions import CONVERSATION, limit_per_kind, read_questions
from models.compare.run import build_sample, hash_package_code, list_turns_to_ask
from models.compare.samples import Sample, read_samples
from models.sample_file import SampleFile
from rm_local.engine import TokenChunk
from rm_local.errors import UsageError
from rm_local.loop import PLANS, Answered, BranchFinished, BranchStarted, Event, Failed
from rm_local.records import Answer, Branch
from tests.support.fakes import hit

MADE = {"model": "a", "plans": [asdict(PLANS["memory"])]}
SAMPLE = Sample("q1", "memory", 1, "Sí.", "Sí.", "end", 2, 9, 0.5, 1, 0, "", "")


def test_a_stopped_run_continues_with_what_it_has(tmp_path: Path) -> None:
    """Also after a kill in the middle of a line: that sample alone is lost."""
    path = tmp_path / "folder" / "run.jsonl"
    with SampleFile(path, Sample, MADE) as file:
        file.add_sample(SAMPLE)
        file.add_sample(replace(SAMPLE, seed=2))
    path.write_bytes(path.read_bytes()[:-7])

    with SampleFile(path, Sample, MADE) as file:
        assert file.samples == {SAMPLE.key: SAMPLE}
        file.add_sample(replace(SAMPLE, seed=3))

    assert [sample.seed for sample in read_samples(path).values()] == [1, 3]


def test_samples_that_were_made_otherwise_are_not_mixed(tmp_path: Path) -> None:
    """The message names what differs; the file stays as it was."""
    path = tmp_path / "run.jsonl"
    with SampleFile(path, Sample, MADE) as file:
        file.add_sample(SAMPLE)
    before = path.read_bytes()

    with pytest.raises(UsageError, match="another model"):
        SampleFile(path, Sample, MADE | {"model": "b"})

    assert path.read_bytes() == before


def test_a_report_without_a_file_is_wrong_usage(tmp_path: Path) -> None:
    """There is nothing to judge."""
    with pytest.raises(UsageError):
        read_samples(tmp_path / "none.jsonl")


def test_the_code_of_a_run_is_part_of_how_it_was_made(tmp_path: Path) -> None:
    """Another content or another name of a module is other code; other files are not code."""
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    first = hash_package_code(tmp_path)
    (tmp_path / "notes.md").write_text("x", encoding="utf-8")
    assert hash_package_code(tmp_path) == first
    (tmp_path / "a.py").write_text("x = 2\n", encoding="utf-8")
    second = hash_package_code(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")

    assert len({first, second, hash_package_code(tmp_path)}) == 3


def test_a_sample_holds_what_is_shown_and_what_the_turn_cost() -> None:
    """Text and written tokens are of the shown branch; the hint, too; tokens are of all."""
    near = hit(1, 0.9)
    branches = [
        Branch(0, None, 1, "", "No.", None, 2, 0.1, "length"),
        Branch(1, near, 2, "so", "Yes.", "yes", 5, 0.1, "end"),
    ]
    events: list[Event] = [
        BranchStarted(0, None),
        BranchStarted(1, near),
        TokenChunk(1, "thinking", "so", 1),
        TokenChunk(0, "answer", "No.", 2),
        TokenChunk(1, "answer", " Yes.", 5),
        *(BranchFinished(branch) for branch in branches),
        Answered(Answer("Yes.", "yes", 1, 1, 2, (1,), 11, 0.2)),
    ]

    sample = build_sample("q1", "memory", 7, events, 0.25)

    assert (sample.text, sample.written, sample.stop) == ("Yes.", "so Yes.", "end")
    assert (sample.branch_tokens, sample.tokens, sample.branches) == (5, 11, 2)
    assert (sample.hinted, sample.hint) == (1, near.entry.subroutine)
    assert sample.key == ("q1", "memory", 7)


def test_a_turn_without_an_answer_is_a_sample_too() -> None:
    """It has the reason, no text, and the tokens that it cost."""
    branch = Branch(0, None, 1, "", "", None, 4, 0.1, "length")
    events: list[Event] = [
        BranchStarted(0, None),
        BranchFinished(branch),
        Failed("No branch came to an answer.", "Ask again.", 1),
    ]

    sample = build_sample("q1", "memory", 1, events, 0.25)

    assert (sample.text, sample.tokens) == ("", 4)
    assert sample.failure == "No branch came to an answer."


def test_every_pair_is_asked_and_each_plan_is_first_as_often() -> None:
    """The second of a pair finds the prompt read, which must not favour one plan."""
    questions = limit_per_kind(read_questions(), 2)
    plans = (PLANS["memory"], PLANS["direct"])
    turns = [(question.id, plan.name, seed) for question, plan, seed in
             list_turns_to_ask(questions, plans, 2)]  # fmt: skip

    assert len(turns) == len(set(turns)) == 8 * 2 * 2
    assert [plan for _, plan, _ in turns[::2]].count("memory") == 8


def test_questions_are_read_by_kind_and_limited_by_kind() -> None:
    """Those of `gate.jsonl` have no target."""
    all_kinds = read_questions()
    gate = read_questions(CONVERSATION.with_name("gate.jsonl"), ["fits"])

    assert len(all_kinds) == 80
    assert [each.kind for each in limit_per_kind(all_kinds, 1)] == [
        "small_talk", "open", "short_answer", "other_language",
    ]  # fmt: skip
    assert limit_per_kind(all_kinds, 0) == all_kinds
    assert len(gate) > 200
    assert all(each.target is None and each.kind == "fits" for each in gate)
