"""Problems of reasoning-gym, asked as they are and scored by its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from models.curriculum.gym import __main__ as command, problems
from models.curriculum.gym.entries import read_gym_entries
from models.curriculum.gym.problems import (
    GymProblem,
    check_gym_version,
    draw_problems,
    score_result,
)
from models.curriculum.gym.samples import (
    GymSample,
    ask_problem,
    check_store_entries,
    format_table_lines,
)
from rm_local.errors import UsageError
from rm_local.loop import Failed
from rm_local.records import Hit
from rm_local.settings import Settings
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import hit

PROBLEM = GymProblem("gcd", 0, "Find the GCD of 16 and 24.", "8")


class FakeGenerator:
    """A generator of one problem, whose scorer raises on what is no number."""

    def __getitem__(self, number: int) -> Mapping[str, str]:
        return {"question": f"Problem {number}: {PROBLEM.question}", "answer": "8"}

    def score_answer(self, answer: str, row: Mapping[str, str]) -> float:
        """All for the answer, nearly all for its neighbours."""
        off = abs(int(answer) - int(row["answer"]))
        return max(0.0, 1 - off / 1000)


@pytest.fixture
def fake_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every generator is the fake one, and the package counts as installed."""
    monkeypatch.setattr(problems, "_open_generator", lambda name: FakeGenerator())
    monkeypatch.setattr(problems, "version", lambda name: problems.VERSION)


def gym_store() -> FakeRecall:
    """A store that has the entries of all generators."""
    return FakeRecall([Hit(entry, 0.9) for entry in read_gym_entries().values()])


@pytest.mark.usefixtures("fake_generators")
async def test_a_problem_is_asked_as_it_is_and_its_result_scored() -> None:
    """Under `memory` the sample says whether the generator's own entry was found."""
    own = Hit(read_gym_entries()["gcd"], 0.9)
    runtime = FakeRuntime(recall=FakeRecall([own, hit(1, 0.85)]))

    direct = await ask_problem(runtime, PROBLEM, "none")
    helped = await ask_problem(runtime, PROBLEM, "memory")

    assert runtime.questions == [PROBLEM.question] * 2
    assert (direct.result, direct.right, direct.found, direct.hits) == ("8", True, False, 0)
    assert (helped.result, helped.right, helped.found, helped.hits) == ("8", True, True, 2)


@pytest.mark.usefixtures("fake_generators")
def test_only_the_full_score_is_right_and_a_scorer_that_raises_gives_zero() -> None:
    """Partial credit, however high, is a wrong answer; so is a text the scorer cannot read."""
    blank = GymSample("gcd", 0, "none", "", "8", None, "", 0.0, False, 0, 0, 0.0)

    scores = {result: score_result(PROBLEM, result) for result in ("8", "9", "eight", None)}

    assert scores == {"8": 1.0, "9": 0.999, "eight": 0.0, None: 0.0}
    assert [replace(blank, score=score).right for score in scores.values()] == [
        True,
        False,
        False,
        False,
    ]


def test_a_missing_or_another_package_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both messages name the version to install."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(problems, "version", missing)
    with pytest.raises(UsageError, match=r"not installed.*reasoning-gym==0\.1\.25"):
        check_gym_version()
    monkeypatch.setattr(problems, "version", lambda name: "0.1.24")
    with pytest.raises(UsageError, match=r"0\.1\.24 is installed"):
        check_gym_version()


async def test_a_store_without_the_entries_is_refused() -> None:
    """The arm `memory` is measured with entries for the generators, or not at all."""
    await check_store_entries(FakeRuntime(recall=gym_store()))

    with pytest.raises(UsageError, match=r"no entry for chain_sum, gcd.*build_store"):
        await check_store_entries(FakeRuntime(recall=FakeRecall([])))


def test_the_table_has_a_row_for_each_generator_and_arm_and_for_all() -> None:
    """In the order of the entries; shares with their intervals."""
    blank = GymSample("gcd", 0, "none", "", "8", "8", "", 1.0, False, 0, 10, 0.5)
    found = [
        replace(blank, number=1, arm="memory", found=True, hits=1),
        replace(blank, number=0),
        replace(blank, number=1, score=0.999),
        replace(blank, generator="chain_sum", result=None, score=0.0),
    ]

    lines = format_table_lines(found)

    assert [line.split(" | ")[:5] for line in lines[2:]] == [
        ["| chain_sum", "none", "1", "0.0%", "0.0% to 79.3%"],
        ["| gcd", "none", "2", "50.0%", "9.5% to 90.5%"],
        ["| gcd", "memory", "1", "100.0%", "20.7% to 100.0%"],
        ["| all", "none", "3", "33.3%", "6.1% to 79.2%"],
        ["| all", "memory", "1", "100.0%", "20.7% to 100.0%"],
    ]
    assert lines[2].split(" | ")[5:7] == ["0%", "-"]
    assert lines[4].split(" | ")[5:7] == ["100%", "100%"]


@pytest.mark.usefixtures("fake_generators")
def test_a_stopped_run_continues_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A turn that fails ends the command with its message; the next call asks only the rest."""
    files = {name: tmp_path / name for name in ("fake.gguf", "fake.rms")}
    for path in files.values():
        path.write_bytes(path.name.encode())
    out = tmp_path / "gym.jsonl"
    runtimes: list[FakeRuntime] = []

    def open_fake(args: Any) -> FakeRuntime:
        runtime = FakeRuntime(recall=gym_store(), settings=Settings())
        runtime.model, runtime._named_stores = files["fake.gguf"], (files["fake.rms"],)
        runtimes.append(runtime)
        return runtime

    async def fail_third(runtime: FakeRuntime, problem: GymProblem, arm: str) -> GymSample:
        if len(runtime.solved) == 2:
            runtime.events = [Failed("The model's process was killed.", "See its log.", 3)]
        return await ask_problem(runtime, problem, arm)

    few = {name: read_gym_entries()[name] for name in ("gcd", "lcm")}
    monkeypatch.setattr(command, "read_gym_entries", lambda: few)
    monkeypatch.setattr(command, "open_runtime", open_fake)
    with monkeypatch.context() as patch:
        patch.setattr(command, "ask_problem", fail_third)
        assert command.main(["--out", str(out), "--each", "1"]) == 3
    assert "killed" in capsys.readouterr().err
    assert command.main(["--out", str(out), "--each", "1"]) == 0

    stopped, continued = runtimes
    assert len(stopped.solved) == 3
    assert len(continued.solved) == 2 * 2 - 2
    assert all(runtime.closed for runtime in runtimes)
    assert "| all | none | 2 |" in capsys.readouterr().out


def test_the_generators_draw_the_same_problems_and_give_their_answers_the_full_score() -> None:
    """All 12 exist in the package, and what is drawn twice is equal."""
    pytest.importorskip("reasoning_gym", reason="the extra `eval` is not installed")
    check_gym_version()

    for generator in read_gym_entries():
        drawn = draw_problems(generator, 3)
        assert drawn == draw_problems(generator, 3)
        assert len({problem.question for problem in drawn}) == 3
        for problem in drawn:
            assert score_result(problem, problem.answer) == problems.FULL_SCORE, problem
            assert score_result(problem, "I do not know.") < problems.FULL_SCORE


def test_a_duration_that_is_slightly_wrong_is_not_right() -> None:
    """reasoning-gym gives such an answer nearly the full score."""
    pytest.importorskip("reasoning_gym", reason="the extra `eval` is not installed")
    problem = next(p for p in draw_problems("time_intervals", 50) if p.answer == "00:34:28")

    score = score_result(problem, "00:35:28")

    assert 0.99 < score < problems.FULL_SCORE
