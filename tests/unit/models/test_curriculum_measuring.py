"""What the curriculum's measurements share: one turn, its judgement, samples kept in a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.curriculum import measure
from models.curriculum.ask_runtime import (
    TurnFailedError,
    ask_runtime,
    find_budgeted_plan,
    is_accepted,
)
from models.curriculum.collect_samples import (
    add_run_options,
    collect_missing_samples,
    fingerprint_samples,
    open_runtime,
)
from models.curriculum.intervals import compute_wilson_interval, format_share_cells
from models.sample_file import SampleFile
from rm_local import paths
from rm_local.errors import ModelNotFoundError, UsageError
from rm_local.records import Entry, StopReason
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.fake_recall import FakeRecall
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import FakeEngine, Write, died, hit, say, think

QUESTION = {
    "id": "q",
    "stratum": "known",
    "family": "sum",
    "question": "4 + 4?",
    "earlier": [{"question": "1 + 1?", "answer": "2"}],
    "target": "8",
    "accepted": ["8 apples"],
    "wrong_hint": "slope",
}


@dataclass(frozen=True, slots=True)
class Square:
    """A sample that needs no model."""

    number: int
    square: int

    @property
    def key(self) -> int:
        """The number."""
        return self.number


async def test_a_turn_gives_the_voted_result_and_where_its_hits_come_from() -> None:
    """Under the plan memory, with the hits of the store."""
    runtime = FakeRuntime(recall=FakeRecall([hit(1, 0.9), hit(2, 0.85)]))

    outcome = await ask_runtime(runtime, "4 + 4?", find_budgeted_plan("memory"))

    assert outcome.result == "8"
    assert outcome.sources == ("hand/thing-1", "hand/thing-2")
    assert outcome.tokens > 0


async def test_a_given_hint_is_the_only_one() -> None:
    """Whatever the store has found, every branch reads the given entry."""
    runtime = FakeRuntime(recall=FakeRecall([hit(1, 0.9), hit(2, 0.85)]))
    entry = Entry("How to add?", "I should count on.", source="test/own")

    outcome = await ask_runtime(runtime, "4 + 4?", find_budgeted_plan("memory"), hint=entry)

    assert outcome.sources == ("test/own",)
    forced = [spec.forced for specs in runtime.engine.grown for spec in specs]
    assert any("I should count on." in text for text in forced)
    assert not any("thing" in text for text in forced)


async def test_a_reply_without_a_result_is_kept_as_it_came() -> None:
    """Headings and lines stay, so that its form can be judged; the thinking is not in it."""
    reply = "### Subquestions\n1. How to add?\n2. How to halve?"
    engine = FakeEngine(branches=[[think("I name the steps."), say(reply)]])

    outcome = await ask_runtime(
        FakeRuntime(engine), "Steps?", find_budgeted_plan("direct"), temperature=0.0
    )

    assert (outcome.result, outcome.text) == (None, reply)
    assert engine.grown[0][0].sampling.temperature == 0.0


@pytest.mark.parametrize("reason", ["length", "context", "repeating"])
async def test_branches_without_an_answer_are_an_outcome_without_a_result(
    reason: StopReason,
) -> None:
    """The model used its budget, or repeated itself: that is how it did on the question."""
    engine = FakeEngine(branches=[[think("Let me see, let me see"), reason]])

    outcome = await ask_runtime(FakeRuntime(engine), "4 + 4?", find_budgeted_plan("direct"))

    assert (outcome.result, outcome.text) == (None, "")
    assert outcome.tokens > 0


@pytest.mark.parametrize("before", [(), (think("4 and"),)])
async def test_a_turn_that_fails_is_no_sample(before: tuple[Write, ...]) -> None:
    """A dead worker must not count as a wrong answer; the run stops with its message."""
    runtime = FakeRuntime(FakeEngine(branches=[[*before, died()]]))

    with pytest.raises(TurnFailedError, match="killed"):
        await ask_runtime(runtime, "4 + 4?", find_budgeted_plan("direct"))


async def test_a_model_that_cannot_be_loaded_is_no_sample() -> None:
    """No branch was begun."""
    runtime = FakeRuntime(model_error=ModelNotFoundError("There is no model.", "Name one."))

    with pytest.raises(TurnFailedError, match="no model"):
        await ask_runtime(runtime, "4 + 4?", find_budgeted_plan("direct"))


async def test_a_sample_of_the_questions_for_people_is_judged_by_its_accepted_answers() -> None:
    """The conversation before the question is asked with it, answers included."""
    runtime = FakeRuntime()

    sample = await measure.ask_in_arm(runtime, QUESTION, "none")

    assert (sample.key, sample.result, sample.right) == (("q", "none"), "8", True)
    assert [message.content for message in runtime.solved[0].history] == ["1 + 1?", "Answer: 2"]
    assert runtime.solved[0].plan.retrieval == "none"


async def test_the_wrong_hint_of_a_question_is_its_only_hint() -> None:
    """The arm `wrong` pins the entry of the family that the question names."""
    runtime = FakeRuntime()

    await measure.ask_in_arm(runtime, QUESTION, "wrong")

    (pinned,) = runtime.solved[0].overrides.pinned
    assert pinned.entry.source == "curriculum/slope"
    assert runtime.solved[0].plan.hints == 1


def test_answers_are_compared_as_in_the_vote() -> None:
    """Case, thousands separators and zeros do not matter; no result is never right."""
    assert is_accepted("1,234.0", ["1234"])
    assert is_accepted("YES", ["no", "yes"])
    assert not is_accepted("12", ["1234"])
    assert not is_accepted(None, ["1234"])


async def test_only_what_the_file_lacks_is_asked(tmp_path: Path) -> None:
    """The samples come in the order in which they are wanted, old and new alike."""
    path, asked = tmp_path / "run.jsonl", list[int]()

    async def square(number: int) -> Square:
        asked.append(number)
        return Square(number, number**2)

    async def fill(numbers: Sequence[int]) -> list[Square]:
        with SampleFile(path, Square, {"model": "a"}) as file:
            return await collect_missing_samples(file, {n: n for n in numbers}, square)

    await fill([1, 3])
    found = await fill([3, 2, 1])

    assert found == [Square(3, 9), Square(2, 4), Square(1, 1)]
    assert asked == [1, 3, 2]


def test_samples_are_described_by_the_files_that_they_depend_on(tmp_path: Path) -> None:
    """Another model is another hash; a model that does not exist is wrong usage."""
    one, other = tmp_path / "one.gguf", tmp_path / "other.gguf"
    one.write_bytes(b"1")
    other.write_bytes(b"2")

    def describe(model: Path) -> dict[str, object]:
        return fingerprint_samples(Runtime(Settings(), model=model, store=one), [])

    first, second = describe(one), describe(other)
    assert {key for key in first if first[key] != second[key]} == {"model"}
    with pytest.raises(UsageError, match="--model"):
        describe(tmp_path / "none.gguf")


def test_samples_depend_on_one_store() -> None:
    """Without a named one on the shipped store, also if there is a store of one's own."""
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    paths.own_store().parent.mkdir(parents=True)
    paths.own_store().touch()

    runtime = open_runtime(parser.parse_args(["--out", "run.jsonl"]))

    assert runtime.stores == (paths.shipped_store(),)


def test_intervals_follow_the_formula_of_wilson() -> None:
    """Known values of the formula; the bounds stay within 0 and 1."""
    low, high = compute_wilson_interval(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert compute_wilson_interval(0, 10)[0] == 0.0
    assert compute_wilson_interval(10, 10)[1] == pytest.approx(1.0)
    assert format_share_cells(8, 10) == "10 | 80.0% | 49.0% to 94.3%"
    assert format_share_cells(0, 0) == "0 | - | -"
