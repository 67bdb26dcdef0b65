"""Worked trajectories taken apart: what parses, and what is asked under which entry."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.curriculum import decompose as command, try_decomposition
from models.curriculum.ask_runtime import TurnOutcome
from models.curriculum.decompose import format_report
from models.curriculum.families import read_families
from models.curriculum.parse_decomposition import (
    InvalidDecompositionError,
    parse_hint,
    parse_subquestions,
)
from models.curriculum.texts.decomposition import APPLICABLE, HINT, SUBQUESTIONS, format_hint_reply
from models.curriculum.texts.family_problems import build_typed_problem
from models.curriculum.try_decomposition import Decomposition, HintTrial, decompose_and_test
from models.curriculum.worked_trajectories import Trajectory, draw_trajectories
from rm_local.loop import Plan
from rm_local.records import Entry
from tests.support.fake_runtime import FakeRuntime

LIST = f"{SUBQUESTIONS}\n1. How to add?\n2. How to halve?"
GOOD = f"{APPLICABLE}\nProblems about sums.\n\n{HINT}\nFor problems like this, I should add."


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of `ask_runtime`."""

    question: str
    plan: Plan
    hint: Entry | None
    temperature: float | None


class FakeModel:
    """Says what it is given to a request, and solves other problems under some entries alone."""

    def __init__(self, answers: dict[str, str], subquestions: str, hints: dict[str, str]) -> None:
        """`answers` are by question; `hints` the replies by subquestion."""
        self.answers = answers
        self.subquestions = subquestions
        self.hints = hints
        self.asked: list[Asked] = []

    async def ask(
        self,
        runtime: FakeRuntime,
        question: str,
        plan: Plan,
        *,
        hint: Entry | None = None,
        temperature: float | None = None,
    ) -> TurnOutcome:
        """In place of `ask_runtime`."""
        self.asked.append(Asked(question, plan, hint, temperature))
        if temperature is not None:
            reply = next((r for q, r in self.hints.items() if q in question), self.subquestions)
            return TurnOutcome(None, reply, (), 9, 0.1)
        right = hint is not None and hint.subproblem == "How to add?"
        return TurnOutcome(self.answers[question] if right else None, "", (), 9, 0.1)


def test_a_list_of_subquestions_is_read_in_its_order() -> None:
    """Blank lines and blanks around it do not matter."""
    assert parse_subquestions(f"\n{LIST}\n\n3. Why?  \n") == (
        "How to add?",
        "How to halve?",
        "Why?",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        SUBQUESTIONS,
        "1. How to add?",
        f"Here they are:\n{LIST}",
        f"{SUBQUESTIONS}\n- How to add?",
        f"{SUBQUESTIONS}\n2. How to add?",
        f"{SUBQUESTIONS}\n1. How to add?\n1. How to halve?",
        f"{SUBQUESTIONS}\n1. How to add?\n2. How to add?",
        f"{SUBQUESTIONS}\n1. Add the numbers.",
        f"{SUBQUESTIONS}\n1. ?",
        f"{LIST}\nThat is all.",
        SUBQUESTIONS + "".join(f"\n{n}. How to do {n}?" for n in range(1, 10)),
    ],
)
def test_any_other_form_of_subquestions_does_not_parse(text: str) -> None:
    """The form is what is measured, so nothing is repaired."""
    with pytest.raises(InvalidDecompositionError):
        parse_subquestions(text)


def test_a_hint_is_the_text_below_its_heading() -> None:
    """It may have several lines; what the curriculum writes parses, for every family."""
    assert parse_hint(GOOD) == "For problems like this, I should add."
    assert parse_hint(f"{GOOD}\nThen I check.\n").endswith("add.\nThen I check.")
    for trajectory in draw_trajectories(40, 0):
        problem = build_typed_problem(random.Random(0), trajectory.worked)
        assert parse_hint(format_hint_reply(problem))
        assert parse_subquestions(f"{SUBQUESTIONS}\n1. {problem.subproblem}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "For problems like this, I should add.",
        f"{HINT}\nI should add.",
        f"{APPLICABLE}\n\n{HINT}\nI should add.",
        f"{APPLICABLE}\nProblems about sums.\n\n{HINT}",
        f"{APPLICABLE}\nProblems about sums.\n\n{HINT}\n \n",
        f"{HINT}\nI should add.\n{APPLICABLE}\nProblems about sums.",
        f"Sure.\n{GOOD}",
        f"{GOOD}\n{HINT}\nI should add again.",
        f"{GOOD}\n### Answer\n8",
    ],
)
def test_any_other_form_of_a_hint_does_not_parse(text: str) -> None:
    """Both headings, once each and in order, each with a text below it."""
    with pytest.raises(InvalidDecompositionError):
        parse_hint(text)


def texts(trajectory: Trajectory) -> list[tuple[str, str, str]]:
    """What a model sees of all problems, and their answers."""
    problems = (trajectory.worked, *trajectory.others)
    return [(problem.question, problem.work, problem.answer) for problem in problems]


def test_trajectories_are_of_held_out_families_and_the_same_each_time() -> None:
    """One of each family comes before a second one; other problems have other inputs."""
    drawn = draw_trajectories(41, 10)
    families = Counter(trajectory.family for trajectory in drawn)

    assert list(map(texts, drawn)) == list(map(texts, draw_trajectories(41, 10)))
    assert len(families) == 40
    assert {read_families()[name].split for name in families} == {"held-out"}
    assert drawn[0].family == drawn[40].family
    assert drawn[0].worked.values != drawn[40].worked.values
    for trajectory in drawn:
        inputs = trajectory.worked.form.family.inputs
        problems = (trajectory.worked, *trajectory.others)
        assert len({repr([p.values[name] for name in inputs]) for p in problems}) == 11


async def test_each_hint_that_parses_is_tried_on_the_other_problems_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The requests are plain and greedy; problems are asked under one entry, or without any."""
    (trajectory,) = draw_trajectories(1, 10)
    answers = {problem.question: problem.answer for problem in trajectory.others}
    hints = {"Subquestion: How to add?": GOOD, "Subquestion: How to halve?": "No idea."}
    model = FakeModel(answers, LIST, hints)
    monkeypatch.setattr(try_decomposition, "ask_runtime", model.ask)

    found = await decompose_and_test(FakeRuntime(), trajectory)

    assert (found.fault, found.others, found.unaided) == ("", 10, 0)
    added, halved = found.hints
    assert (added["fault"], added["right"]) == ("", 10)
    assert (bool(halved["fault"]), halved["results"], halved["right"]) == (True, [], 0)
    assert not found.parses_completely
    requests = [asked for asked in model.asked if asked.temperature is not None]
    assert [asked.plan.retrieval for asked in requests] == ["none"] * 3
    assert all(trajectory.worked.work in asked.question for asked in requests)
    under = [asked for asked in model.asked if asked.hint is not None]
    assert [asked.question for asked in under] == list(answers)
    assert {asked.hint for asked in under} == {
        Entry(
            "How to add?",
            "For problems like this, I should add.",
            source=f"decomposition/{trajectory.family}",
        )
    }
    without = [asked for asked in model.asked if asked not in requests + under]
    assert [asked.question for asked in without] == list(answers)
    assert {asked.plan.retrieval for asked in without} == {"none"}


async def test_without_subquestions_no_hint_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply and what is wrong with it are kept."""
    (trajectory,) = draw_trajectories(1, 2)
    model = FakeModel({}, "I cannot say.", {})
    monkeypatch.setattr(try_decomposition, "ask_runtime", model.ask)

    found = await decompose_and_test(FakeRuntime(), trajectory)

    assert (found.said, found.hints, found.parses_completely) == ("I cannot say.", [], False)
    assert SUBQUESTIONS in found.fault
    assert len(model.asked) == 1 + 2


def trial(fault: str = "", right: int = 0) -> HintTrial:
    """A hint that was tried."""
    return HintTrial(subquestion="How?", said="", fault=fault, results=[], right=right)


def test_the_report_counts_trajectories_lists_hints_and_entries() -> None:
    """An entry needs six right answers of ten; a hint that does not parse is no entry."""

    def made(number: int, fault: str, unaided: int, *hints: HintTrial) -> Decomposition:
        return Decomposition(
            "sum", number, "", "", "", "", fault, list(hints), others=10, unaided=unaided
        )

    lines = format_report(
        [
            made(0, "", 6, trial(right=6), trial(right=5)),
            made(1, "", 5, trial(right=10), trial(fault="No heading.")),
            made(2, "No heading.", 0),
        ]
    )

    assert [line.split(" | ")[1:3] for line in lines[2:]] == [
        ["3", "33.3%"],
        ["3", "66.7%"],
        ["4", "75.0%"],
        ["3", "66.7%"],
        ["3", "33.3%"],
    ]
    assert [line.split(" | ")[1] for line in format_report([made(0, "x", 0)])[4:6]] == ["0", "0"]


def test_the_command_keeps_trajectories_and_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second call with more trajectories asks only for the new ones."""
    file = tmp_path / "fake"
    file.write_bytes(b"fake")
    taken: list[str] = []

    async def take_apart(runtime: FakeRuntime, trajectory: Trajectory) -> Decomposition:
        found = await decompose_and_test(runtime, trajectory)
        taken.append(found.family)
        return found

    def open_fake(args: object) -> FakeRuntime:
        runtime = FakeRuntime()
        runtime.model, runtime._named_stores = file, (file,)
        return runtime

    monkeypatch.setattr(command, "open_runtime", open_fake)
    monkeypatch.setattr(command, "decompose_and_test", take_apart)
    options = ["--out", str(tmp_path / "out.jsonl"), "--others", "1", "--trajectories"]

    assert [command.main([*options, count]) for count in ("1", "2")] == [0, 0]

    assert taken == [trajectory.family for trajectory in draw_trajectories(2, 1)]
    assert "| lists of subquestions that parse | 2 | 0.0% |" in capsys.readouterr().out
