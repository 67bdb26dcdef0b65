"""Length filter, vote and early stop."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rm_local.loop.select import (
    AnswerChoice,
    choose_answer,
    compute_shortness,
    is_vote_final,
    select_voters,
)
from rm_local.records import Branch, Hit, StopReason
from tests.support.fakes import hit

NEAR, FAR, THIRD = hit(1, 0.9), hit(2, 0.5), hit(3, 0.4)


def branch(
    index: int,
    result: str | None,
    tokens: int = 100,
    hint: Hit | None = None,
    *,
    text: str | None = None,
    stop: StopReason = "end",
    confidence: float | None = None,
) -> Branch:
    """A branch that ended."""
    text = f"Answer: {result}" if text is None else text
    return Branch(index, hint, index, "", text, result, tokens, 1.0, stop, confidence)


def chosen(branches: list[Branch], keep: int = 0, tau: float = 0.1) -> AnswerChoice:
    """The choice, of which there has to be one."""
    choice = choose_answer(branches, keep=keep, tau=tau)
    assert choice is not None
    return choice


def indices(branches: tuple[Branch, ...]) -> list[int]:
    """Which branches."""
    return [b.index for b in branches]


def test_shortness_runs_from_the_longest_to_the_shortest() -> None:
    """(max - length) / (max - min), over the whole pool."""
    scores = compute_shortness([branch(0, "1", 100), branch(1, "1", 150), branch(2, "1", 200)])

    assert scores == {0: 1.0, 1: 0.5, 2: 0.0}


def test_branches_of_one_length_are_all_kept() -> None:
    """Where nothing is shorter than anything, nothing is left out by its hint."""
    pool = [branch(0, "1", hint=NEAR), branch(1, "1", hint=FAR)]

    assert indices(select_voters(pool, keep=0, tau=0.1)) == [0, 1]


def test_a_hint_whose_branches_are_long_goes() -> None:
    """Its mean shortness has to be above tau; being at tau is not enough."""
    pool = [
        branch(0, "1", 100, NEAR),
        branch(1, "1", 200, NEAR),
        branch(2, "2", 180, FAR),
        branch(3, "2", 200, FAR),
    ]

    assert indices(select_voters(pool, keep=0, tau=0.1)) == [0, 1]
    assert indices(select_voters(pool, keep=0, tau=0.09)) == [0, 2, 1, 3]


def test_the_shortest_are_kept() -> None:
    """The second stage keeps n, and of equally long ones the first."""
    pool = [branch(0, "1", 120), branch(1, "2", 100), branch(2, "3", 120), branch(3, "4", 110)]

    assert indices(select_voters(pool, keep=3, tau=0.1)) == [1, 3, 0]


def test_branches_without_a_hint_are_not_judged_by_a_mean() -> None:
    """One very short branch among many long ones does not empty the pool."""
    pool = [branch(0, "1", 10), *(branch(i, "2", 500) for i in range(1, 30))]

    assert len(select_voters(pool, keep=0, tau=0.1)) == 30


def test_a_filter_that_would_leave_nothing_leaves_all() -> None:
    """One hint with one short and many long branches has a mean below tau."""
    pool = [branch(0, "1", 10, NEAR), *(branch(i, "2", 500, NEAR) for i in range(1, 20))]

    assert len(select_voters(pool, keep=0, tau=0.1)) == 20


def test_a_branch_without_a_result_cannot_win_by_being_short() -> None:
    """It neither votes nor counts as the shortest."""
    pool = [branch(0, None, 3, NEAR, text="I cannot."), branch(1, "8", 90, FAR)]

    assert chosen(pool, keep=1).branch.index == 1


def test_most_votes_win_and_the_shortest_of_them_is_shown() -> None:
    """Different ways of writing one answer vote together; branches not kept still agree."""
    pool = [
        branch(0, "9", 50),
        branch(1, "8", 80),
        branch(2, "8.0", 70),
        branch(3, "x = 8", 500),
    ]
    choice = chosen(pool, keep=3)

    assert choice.branch.index == 2
    assert indices(choice.agreed) == [1, 2, 3]


@pytest.mark.parametrize(
    ("pool", "winner"),
    [
        ([branch(0, "a", 10, FAR), branch(1, "b", 99, NEAR), branch(2, "c", 60, THIRD)], 1),
        ([branch(0, "a", 20, NEAR), branch(1, "b", 10, NEAR)], 1),
        ([branch(0, "a", 10), branch(1, "b", 10)], 0),
    ],
    ids=["nearer hints", "shorter", "lower index"],
)
def test_a_tie_is_decided_by_similarity_length_and_index(pool: list[Branch], winner: int) -> None:
    """Sum of similarities, then mean length, then index."""
    assert chosen(pool, tau=-1.0).branch.index == winner


def test_without_results_the_most_probable_text_that_ended_is_shown() -> None:
    """A text that was cut says the same thing over and over with great certainty."""
    pool = [
        branch(0, None, text="I was cut", stop="length", confidence=-0.1),
        branch(1, None, text=" ", confidence=-0.1),
        branch(2, None, text="Hello, I guess numbers.", confidence=-0.9),
        branch(3, None, text="Hello, I add  numbers.", confidence=-0.5),
        branch(4, None, text="hello, i add numbers.", confidence=-0.7),
    ]
    choice = chosen(pool)

    assert choice.branch.index == 3
    assert indices(choice.agreed) == [3, 4]
    assert chosen(pool[:2]).branch.index == 0


def test_without_probabilities_the_first_text_that_ended_is_shown() -> None:
    """By the rank of its hint."""
    cut = branch(0, None, text="cut", stop="length")

    assert chosen([cut, *(branch(i, None, text="x") for i in (1, 2))]).branch.index == 1


def test_a_decided_vote_in_waves_is_not_filtered_by_length() -> None:
    """Six long branches agree; the one short one that does not would be all that is kept."""
    pool = [branch(0, "9", 10, FAR), *(branch(i, "8", 100 + i, NEAR) for i in range(1, 7))]
    waves = choose_answer(pool, keep=1, tau=0.1, vote="waves")
    full = choose_answer(pool, keep=1, tau=0.1, vote="all")

    assert waves is not None
    assert full is not None
    assert (waves.branch.result, full.branch.result) == ("8", "9")


def test_without_a_vote_the_shortest_kept_branch_is_shown() -> None:
    """The paper's filter is over all samples, those without a result among them."""
    pool = [branch(0, "8", 90), branch(1, "8", 80), branch(2, None, 30, text="Nine, I believe.")]
    choice = choose_answer(pool, keep=2, tau=0.1, vote="none")

    assert choice == AnswerChoice(pool[2], (pool[2],))


def test_answers_that_count_as_one_vote_together() -> None:
    """What counts as one is for the caller to say."""
    pool = [branch(0, "0.5", 10), branch(1, "1/2", 20), branch(2, "1/3", 5)]
    choice = choose_answer(
        pool, keep=0, tau=-1.0, key=lambda result: "half" if "3" not in result else ""
    )

    assert choice is not None
    assert indices(choice.agreed) == [0, 1]


def test_branches_that_said_nothing_come_to_nothing() -> None:
    """There is no answer to show."""
    assert choose_answer([branch(0, None, text="")], keep=4, tau=0.1) is None
    assert choose_answer([], keep=4, tau=0.1) is None


@pytest.mark.parametrize(
    ("results", "running", "keep", "settled"),
    [
        ("", [50], 4, False),
        ("AA", [50] * 4, 4, False),
        ("AAA", [50] * 3, 4, True),
        ("AAB", [50] * 3, 4, False),
        ("AABB", [50] * 2, 4, True),
        ("AAA", [50] * 3, 0, False),
        ("AAAA", [50] * 3, 0, True),
        ("AAAB", [50] * 2, 0, False),
        ("AAA", [50] * 2 + [5], 4, True),
        ("AAAA", [0, 0], 4, False),
        ("AAAAAA", [0], 6, True),
    ],
)
def test_the_vote_is_settled_when_the_rest_cannot_change_it(
    results: str, running: list[int], keep: int, settled: bool
) -> None:
    """A running branch that is long already can only fill a place that is left."""
    finished = [branch(i, result, 10) for i, result in enumerate(results)]

    assert is_vote_final(finished, running, keep=keep) is settled


def test_a_branch_without_a_result_settles_nothing() -> None:
    """However many decline, the rest continues."""
    assert not is_vote_final([branch(i, None, 5) for i in range(4)], [50, 50], keep=4)


@given(
    finished=st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 60)), max_size=6),
    running=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from("ABC"), st.integers(0, 60)),
        min_size=1,
        max_size=4,
    ),
    keep=st.integers(0, 6),
)
def test_a_settled_vote_holds_whatever_comes(
    finished: list[tuple[str, int]], running: list[tuple[int, str, int]], keep: int
) -> None:
    """Let the running branches end anyhow: with no tie in the end, the winner is the same."""
    done = [branch(i, result, tokens) for i, (result, tokens) in enumerate(finished)]
    if not is_vote_final(done, [written for written, _, _ in running], keep=keep):
        return
    rest = [
        branch(len(done) + i, result, written + more)
        for i, (written, result, more) in enumerate(running)
    ]

    assert chosen(done, keep).branch.result == chosen(done + rest, keep).branch.result
