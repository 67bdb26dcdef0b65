"""The figures of a comparison: verdicts, paired differences, and where memory was silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.compare.judge import RULES, Verdict, apply_rules, list_forced_phrases
from models.compare.questions import Question
from models.compare.report import (
    format_differences,
    format_silence,
    format_table_lines,
    has_same_tokens,
)
from models.compare.samples import Sample
from models.compare.statistics import compute_paired_difference, pair_verdicts
from rm_local.loop import formulation_cue

QUESTION = Question("q1", "what do you call a baby sheep?", "short_answer", "en", ("lamb",))
TEXT = "A baby sheep is called a lamb."
SAMPLE = Sample("q1", "memory", 1, TEXT, TEXT, "end", 9, 9, 0.5, 1, 0, "", "")


def judged(sample: Sample, good: bool, kind: str = "open") -> Verdict:
    """A verdict by one rule."""
    return Verdict(sample, kind, {"whole": good})


def verdicts_of(plan: str, goods: dict[str, list[bool]], kind: str = "open") -> list[Verdict]:
    """Verdicts on one plan: for each question, one for each seed."""
    return [
        judged(replace(SAMPLE, question=question, plan=plan, seed=seed), good, kind)
        for question, all_seeds in goods.items()
        for seed, good in enumerate(all_seeds)
    ]


def test_a_good_answer_keeps_every_rule() -> None:
    """All rules apply to a question with a target."""
    kept = apply_rules(SAMPLE, QUESTION, 0.8, [0.1, 0.2], list(list_forced_phrases()))

    assert tuple(kept) == RULES
    assert all(kept.values())


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("and so it is called a lamb.", "whole"),
        (f"It is a lamb. {formulation_cue()} lamb", "own text"),
        ("Das ist ein lamb und nicht ein Schaf.", "language"),
        ("It is a lamb. " * 20, "no loop"),
        ("It is called a calf.", "right"),
    ],
)
def test_each_rule_can_be_broken_alone(text: str, broken: str) -> None:
    """The others are kept."""
    kept = apply_rules(
        replace(SAMPLE, text=text), QUESTION, 0.8, [0.1, 0.2], list(list_forced_phrases())
    )

    assert [rule for rule, holds in kept.items() if not holds] == [broken]


def test_the_topic_and_a_recited_hint_are_judged() -> None:
    """By the cosines, and by the hint that the shown branch read."""
    hint = "First I look at the young of the animal and then I name it by the words of farmers."
    recited = replace(SAMPLE, text=f"It is a lamb. {hint}", hint=hint)

    assert not apply_rules(SAMPLE, QUESTION, 0.1, [0.5, 0.6], [])["on topic"]
    assert not apply_rules(recited, QUESTION, 0.8, [0.1], [])["own text"]


def test_a_turn_without_an_answer_keeps_no_rule() -> None:
    """Not even those that an empty text does not break."""
    kept = apply_rules(replace(SAMPLE, text=""), QUESTION, 0.8, [0.1], [])

    assert not any(kept.values())


def test_the_difference_is_over_questions_with_both_plans() -> None:
    """The seeds of a question are averaged; a question that one plan lacks is left out."""
    verdicts = [
        *verdicts_of("memory", {"a": [True, True], "b": [False, True], "c": [True]}),
        *verdicts_of("direct", {"a": [True, False], "b": [True, True]}),
    ]
    found = compute_paired_difference(pair_verdicts(verdicts, "memory", "direct"))

    assert found is not None
    assert (found.points, found.questions) == (0.0, 2)
    assert (found.low, found.high) == (-50.0, 50.0)


def test_equal_answers_have_no_spread_and_no_pairs_have_no_figure() -> None:
    """The interval of what never differs is a point."""
    both = {str(number): [True] for number in range(20)}
    pairs = pair_verdicts(
        [*verdicts_of("memory", both), *verdicts_of("direct", both)], "memory", "direct"
    )
    found = compute_paired_difference(pairs)

    assert found is not None
    assert (found.points, found.low, found.high) == (0.0, 0.0, 0.0)
    assert compute_paired_difference([]) is None


def test_the_interval_narrows_with_more_questions() -> None:
    """It holds the mean, and is the same at each call."""

    def interval(count: int) -> tuple[float, float]:
        memory = {str(n): [n % 5 != 0] for n in range(count)}
        none = {str(n): [n % 2 == 0] for n in range(count)}
        verdicts = [*verdicts_of("memory", memory), *verdicts_of("direct", none)]
        found = compute_paired_difference(pair_verdicts(verdicts, "memory", "direct"))
        assert found is not None
        assert found.points == pytest.approx(30)
        assert found.low < found.points < found.high
        return found.low, found.high

    few, many = interval(20), interval(320)

    assert many[1] - many[0] < (few[1] - few[0]) / 2
    assert interval(20) == few


def test_silence_is_identical_only_with_the_same_tokens_in_one_branch() -> None:
    """Another text, another length or more branches are not the same."""
    other = replace(SAMPLE, plan="direct")

    assert has_same_tokens(SAMPLE, other)
    assert not has_same_tokens(SAMPLE, replace(other, written="A lamb."))
    assert not has_same_tokens(replace(SAMPLE, tokens=17), other)
    assert not has_same_tokens(replace(SAMPLE, branches=8), replace(other, branches=8))


def test_silence_is_counted_and_what_differs_is_named() -> None:
    """A turn with a hint is not silent; the seeds are compared with themselves."""
    samples = [
        SAMPLE,
        replace(SAMPLE, seed=2, written="Another."),
        replace(SAMPLE, seed=3, hinted=2),
        *(replace(SAMPLE, plan="direct", seed=seed) for seed in (1, 2, 3)),
    ]
    head, *rest = format_silence(samples, "memory", "direct")

    assert "in 2 of 3 turns; in 1 of these" in head
    assert [line.split()[1:5] for line in rest] == [["q1", "at", "seed", "2,"]]


def test_the_table_has_a_row_for_each_kind_and_plan_and_the_differences_follow() -> None:
    """Counts, tokens and seconds; the group with a hint is that of the plan."""
    verdicts = [
        *verdicts_of("memory", {"a": [True], "b": [False]}, "open"),
        *verdicts_of("direct", {"a": [False], "b": [False]}, "open"),
        *verdicts_of("direct", {"c": [True]}, "small_talk"),
    ]
    rows = list(format_table_lines(verdicts, ("memory", "direct")))
    lines = list(format_differences(verdicts, "memory", "direct"))

    assert [row.split()[:2] for row in rows[1:4]] == [
        ["open", "memory"], ["open", "direct"], ["small_talk", "direct"],
    ]  # fmt: skip
    assert rows[1].split()[2:4] == ["2", "1/2"]
    assert lines[1].split()[:2] == ["open", "+50.0"]
    assert lines[-1].split() == ["with", "a", "hint", "no", "pair"]
