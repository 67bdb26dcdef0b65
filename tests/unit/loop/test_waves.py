"""Branches in waves: one for each hint, more only while the vote is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rm_local.errors import EngineError
from rm_local.loop.control import TurnControl, TurnOverrides
from rm_local.loop.events import BranchFinished, BranchStarted
from rm_local.loop.plan import PLANS, VoteRule
from rm_local.loop.solver import solve
from rm_local.loop.waves import (
    compute_lead_probability,
    compute_smallest_deciding_wave_size,
    is_vote_change_unlikely,
    list_branch_hints,
)
from rm_local.records import Entry
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    INFO,
    Certain,
    FakeEngine,
    Step,
    hit,
    say,
    think,
)
from tests.support.turns import (
    INFO_PATH,
    QUESTION,
    WAVES,
    answer_of,
    branches_of,
    events_of,
    hints_of,
    of,
)

ONE, TWO = hit(1, 0.9), hit(2, 0.7)
SINGLE = FakeRecall([ONE])


def answers(*results: str) -> list[Sequence[Step]]:
    """Scripts of branches that come to these results."""
    return [[think("Let me see."), say(f"Answer: {result}")] for result in results]


def prose(*texts: str) -> list[Sequence[Step]]:
    """Scripts of branches that say these texts, without a result."""
    return [[say(text)] for text in texts]


def votes(results: str, *entries: Entry) -> list[tuple[str, Entry | None]]:
    """A vote for each letter, under these hints in turn, or under none."""
    return [
        (each, entries[n % len(entries)] if entries else None) for n, each in enumerate(results)
    ]


def sizes(engine: FakeEngine) -> list[int]:
    """Branches of each wave."""
    return [len(specs) for specs in engine.grown[1:]]


@pytest.mark.parametrize(
    ("first", "second", "decided"),
    [
        (3, 0, False),
        (4, 0, True),
        (5, 1, False),
        (6, 1, True),
        (7, 2, False),
        (8, 2, True),
        (8, 3, False),
        (9, 3, True),
    ],
)
def test_a_vote_is_decided_at_95_percent(first: int, second: int, decided: bool) -> None:
    """At 4-0, 6-1, 8-2 and 9-3, and not one vote earlier."""
    assert is_vote_change_unlikely(votes("A" * first + "B" * second, ONE.entry)) is decided
    assert (compute_lead_probability(first, second) >= 0.95) is decided


@pytest.mark.parametrize(
    ("results", "entries", "decided"),
    [
        ("AAA", (ONE.entry, TWO.entry), True),
        ("AAA", (ONE.entry,), False),
        ("AAA", (), False),
        ("AAAB", (ONE.entry, TWO.entry), False),
        ("AA", (ONE.entry, TWO.entry), False),
        ("", (), False),
    ],
)
def test_three_that_agree_under_two_hints_decide(
    results: str, entries: tuple[Entry, ...], decided: bool
) -> None:
    """Without dissent; three under one hint may repeat its mistake."""
    assert is_vote_change_unlikely(votes(results, *entries)) is decided


@pytest.mark.parametrize(
    ("results", "hints", "left", "size"),
    [
        ("A", [ONE], 7, 3),
        ("AB", [ONE], 6, 5),
        ("AAAB", [ONE], 4, 3),
        ("ABC", [ONE], 5, 5),
        ("AA", [ONE, TWO], 4, 1),
        ("", [ONE], 5, 4),
    ],
)
def test_a_wave_is_as_large_as_it_has_to_be(
    results: str, hints: list[object], left: int, size: int
) -> None:
    """The fewest that would decide the vote if all joined its leader; else all that are left."""
    given = [ONE, TWO][: len(hints)]
    rest = [given[n % len(given)] for n in range(left)]
    cast = votes(results, *(each.entry for each in given))
    assert compute_smallest_deciding_wave_size(cast, rest) == size


def test_hints_share_the_branches_equally() -> None:
    """Each of k hints gets samples // k branches; without hints all go without one."""
    assert list_branch_hints([ONE, TWO], 5, greedy=False) == [ONE, TWO, ONE, TWO]
    assert list_branch_hints([ONE, TWO], 1, greedy=False) == [ONE]
    assert list_branch_hints([], 3, greedy=False) == [None] * 3


def test_equal_draws_are_made_once() -> None:
    """A greedy branch is decided by what it reads."""
    twin = replace(ONE, entry=replace(ONE.entry, id=7))

    assert list_branch_hints([ONE, TWO], 8, greedy=True) == [ONE, TWO]
    assert len(list_branch_hints([ONE, twin, TWO], 8, greedy=True)) == 2
    assert list_branch_hints([], 8, greedy=True) == [None]


async def test_three_hints_that_agree_are_enough() -> None:
    """The second branch of each hint is not grown, and the answer says what that saved."""
    engine = FakeEngine(branches=answers("8"))
    answer = answer_of(await events_of(engine, WAVES))

    assert sizes(engine) == [3]
    assert (answer.result, answer.agreed, answer.branches) == ("8", 3, 3)
    assert (answer.saved_branches, answer.saved_tokens) == (3, 3 * 5)


async def test_an_open_vote_continues_with_another_wave() -> None:
    """Indices, seeds and hints continue where the first wave ended."""
    engine = FakeEngine(branches=answers("8", "9", "8", "8", "8", "8"))
    events = await events_of(engine, WAVES, steering=TurnOverrides(seed=4))
    started = [event for event in of(BranchStarted, events) if isinstance(event, BranchStarted)]

    assert sizes(engine) == [3, 3]
    assert [event.branch for event in started] == [0, 1, 2, 3, 4, 5]
    assert [event.hint and event.hint.entry.id for event in started] == [1, 2, 3, 1, 2, 3]
    assert len({event.seed for event in started}) == 6
    assert [b.result for b in branches_of(events)][:4] == ["8", "9", "8", "8"]
    assert answer_of(events).result == "8"


async def test_one_hint_is_asked_four_times_when_all_agree() -> None:
    """4-0: one branch, then the three that can decide."""
    engine = FakeEngine(branches=answers("8"))
    answer = answer_of(await events_of(engine, replace(WAVES, samples=8), SINGLE))

    assert sizes(engine) == [1, 3]
    assert (answer.agreed, answer.saved_branches) == (4, 4)


async def test_a_decided_vote_ends_what_still_runs() -> None:
    """At four to one with one branch running, that one is outvoted."""
    slow = [*[think(f" {n}") for n in range(30)], say("Answer: 9")]
    engine = FakeEngine(branches=[*answers("8", "9", "8", "8", "8"), slow])
    events = await events_of(engine, replace(WAVES, keep_shortest=0))

    assert answer_of(events).result == "8"
    assert [b.stop for b in branches_of(events)] == ["end"] * 5 + ["outvoted"]


async def test_an_open_question_gets_one_branch_for_each_hint() -> None:
    """Prose cannot be voted on, so no more is grown of it."""
    engine = FakeEngine(branches=prose("It is Paris.", "Paris, of course.", "Paris."))
    answer = answer_of(await events_of(engine, WAVES))

    assert sizes(engine) == [3]
    assert (answer.text, answer.result) == ("It is Paris.", None)
    assert answer.saved_branches == 3


async def test_one_branch_that_gives_up_does_not_make_a_question_open() -> None:
    """The next ones find a result; the vote continues from there."""
    engine = FakeEngine(branches=[[say("I do not know how.")], *answers("8", "8", "8", "8")])
    answer = answer_of(await events_of(engine, replace(WAVES, samples=8), SINGLE))

    assert sizes(engine) == [1, 2, 2]
    assert (answer.result, answer.agreed, answer.saved_branches) == ("8", 4, 3)


async def test_three_branches_that_give_up_alike_do_not_make_a_question_open() -> None:
    """Equal texts count as one; prose would differ from draw to draw."""
    gives_up = prose("I do not know how.")[0]
    engine = FakeEngine(branches=[gives_up] * 3 + answers("8"))
    answer = answer_of(await events_of(engine, WAVES))

    assert sizes(engine)[0] == 3
    assert answer.result == "8"


async def test_a_certain_text_is_drawn_once() -> None:
    """The other draws under its hint would hardly differ; it votes in their place."""
    engine = FakeEngine(branches=[[say("Answer: 8"), Certain(0.95)]])
    events = await events_of(engine, replace(WAVES, samples=8), SINGLE)
    answer = answer_of(events)

    assert sizes(engine) == [1]
    assert [b.draws for b in branches_of(events)] == [8]
    assert (answer.result, answer.agreed, answer.branches) == ("8", 1, 1)
    assert answer.saved_branches == 7


async def test_a_certain_text_leaves_other_hints_their_draws() -> None:
    """Four votes of one hint against those of the other, as if all eight had been drawn."""
    sure: list[Step] = [say("Answer: 8"), Certain(0.95)]
    engine = FakeEngine(branches=[sure, *answers("9", "9", "7", "9")])
    plan = replace(WAVES, samples=8, keep_shortest=0)
    events = await events_of(engine, plan, FakeRecall([ONE, TWO]))
    answer = answer_of(events)

    under = [b.hint.entry.id for b in branches_of(events) if b.hint]
    assert under == [1, *[2] * (len(under) - 1)]
    assert branches_of(events)[0].draws == 4
    assert (answer.result, answer.agreed) == ("8", 1)


@pytest.mark.parametrize(
    ("end", "temperature"),
    [([Certain(0.5)], 0.7), ([Certain(0.95), "length"], 0.7), ([Certain(0.95)], 1.5)],
)
async def test_a_text_that_may_differ_is_drawn_again(end: list[Step], temperature: float) -> None:
    """It is not likely enough, it is cut, or a high temperature makes others likelier."""
    engine = FakeEngine(branches=[[say("Answer: 8"), *end]])
    steering = TurnOverrides(temperature=temperature)
    await events_of(engine, replace(WAVES, samples=8), SINGLE, steering=steering)

    assert len(sizes(engine)) > 1


async def test_an_undecided_vote_counts_every_branch() -> None:
    """However long they are: the shorter ones are not the better ones in so few."""
    short = answers("9", "9", "9")
    long: list[Sequence[Step]] = [
        [think("Let me see, step by step, all of it."), say(f"Answer: {n}")] for n in "88888"
    ]
    engine = FakeEngine(branches=[*short, *long])
    answer = answer_of(await events_of(engine, replace(WAVES, samples=8, keep_shortest=4), SINGLE))

    assert (answer.result, answer.agreed, answer.branches) == ("8", 5, 8)


async def test_when_no_hint_helps_the_model_tries_by_itself() -> None:
    """One branch more, which reads the bare question."""
    loops: list[Step] = [say("so and so and so"), "repeating"]
    engine = FakeEngine(branches=[loops, loops, loops, loops, loops, loops, [say("It is 8.")]])
    events = await events_of(engine, WAVES)
    answer = answer_of(events)

    assert (answer.text, answer.branches, answer.saved_branches) == ("It is 8.", 7, 0)
    assert hints_of(events)[-1] is None
    assert engine.grown[-1][0].forced == ""


async def test_a_model_that_does_not_think_also_answers_without_a_hint() -> None:
    """That branch comes first, with the prompt and seed that it has where memory is silent."""
    info = replace(INFO, thinks=False)
    engine = FakeEngine(branches=answers("8", "9", "7", "8", "8"), info=info)
    events = await events_of(engine, replace(WAVES, samples=8))
    alone = FakeEngine(branches=answers("8"), info=info)
    await events_of(alone, PLANS["direct"])

    assert hints_of(events)[:4] == [None, 1, 2, 3]
    assert sizes(engine)[0] == 4
    first, (bare,) = engine.grown[1][0], alone.grown[0]
    assert (first.forced, first.note, first.seed) == (bare.forced, bare.note, bare.seed)


async def test_one_sample_of_such_a_model_has_its_hint() -> None:
    """The user asked for one branch, and for memory."""
    engine = FakeEngine(branches=answers("8"), info=replace(INFO, thinks=False))
    events = await events_of(engine, replace(WAVES, samples=1))

    assert hints_of(events) == [1]


async def test_the_text_nearest_to_the_question_is_shown() -> None:
    """Of prose that ended by itself; a probable text is often an empty phrase."""
    empty: list[Step] = [say("Ready to help."), Certain(0.8)]
    near: list[Step] = [say("What is 4 + 4? That is eight."), Certain(0.1)]
    cut: list[Step] = [say("What is 4 + 4?"), "length"]
    answer = answer_of(await events_of(FakeEngine(branches=[empty, near, cut]), WAVES))

    assert (answer.branch, answer.text) == (1, "What is 4 + 4? That is eight.")


async def test_an_open_question_without_hints_gets_three_branches() -> None:
    """Of eight, five are saved."""
    engine = FakeEngine(branches=prose("It is Paris.", "Paris, of course.", "Paris."))
    plan = replace(WAVES, samples=8, question_gate="open")
    answer = answer_of(await events_of(engine, plan, FakeRecall([])))

    assert sizes(engine) == [1, 2]
    assert (answer.branches, answer.saved_branches) == (3, 5)


async def test_thoughts_alone_are_no_open_answer() -> None:
    """Where no branch came to say anything, the others are still tried."""
    engine = FakeEngine(branches=[[think("Hm.")], [think("Hm.")], [think("Hm.")], *answers("8")])

    assert answer_of(await events_of(engine, WAVES)).result == "8"
    assert sizes(engine) == [3, 3]


async def test_more_hints_than_three_come_after_the_first_wave() -> None:
    """Ten hints are not ten branches for an open question."""
    recall = FakeRecall([hit(n, 0.9) for n in range(1, 11)])
    plan = replace(WAVES, samples=30, hints=10)
    engine = FakeEngine(branches=prose("It depends.", "That depends.", "Who knows?"))
    await events_of(engine, plan, recall)

    assert sizes(engine) == [3]


async def test_a_greedy_turn_draws_each_hint_once() -> None:
    """The user's temperature of 0 leaves one branch for each hint; the others would be the same."""
    engine = FakeEngine(branches=answers("8", "9", "7"))
    steering = TurnOverrides(temperature=0.0)
    answer = answer_of(await events_of(engine, WAVES, steering=steering))

    assert sizes(engine) == [3]
    assert answer.saved_branches == 3


async def test_no_wave_follows_a_stop() -> None:
    """The user's stop ends the turn, and what it prevented is not called saved."""
    control = TurnControl()
    engine = FakeEngine(branches=answers("8", "9", "7"))
    await engine.load_model(INFO_PATH)
    events = []
    async for event in solve(QUESTION, WAVES, engine, FakeRecall(), control=control):
        events.append(event)
        if isinstance(event, BranchFinished):
            control.stop()

    assert sizes(engine) == [3]
    assert answer_of(events).saved_branches == 0


async def test_under_a_grammar_a_cut_text_is_no_answer_in_prose() -> None:
    """The branches that are left are tried."""
    cut: list[Step] = [say('{"answer":'), "length"]
    engine = FakeEngine(branches=[cut, cut, cut, [say('{"answer": 8}')]])
    events = await events_of(engine, WAVES, steering=TurnOverrides(grammar="root"))

    assert sizes(engine) == [3, 3]
    assert answer_of(events).result == '{"answer": 8}'


async def test_the_papers_plan_grows_all_and_holds_no_vote() -> None:
    """Two samples for each of three hints, all to their end; the shortest that is kept is shown."""
    engine = FakeEngine(branches=answers("9", "8 apples and 2", "8", "8", "8", "8"))
    events = await events_of(engine, PLANS["paper"])
    answer = answer_of(events)

    assert sizes(engine) == [6]
    assert {b.stop for b in branches_of(events)} == {"end"}
    assert (answer.result, answer.agreed, answer.saved_branches) == ("9", 1, 0)


class _FailingRecall(FakeRecall):
    """A retriever whose embedder fails once the texts are to be compared."""

    async def measure_nearness(self, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        raise EngineError("The embedder has ended.", "Try again.")


@pytest.mark.parametrize("vote", ["waves", "none"])
async def test_an_answer_survives_a_failing_embedder(vote: VoteRule) -> None:
    """The likeliest text is shown; without a vote nothing is compared, and the shortest is."""
    unlikely: list[Step] = [say("It may be so."), Certain(0.1)]
    likely: list[Step] = [say("It is so."), Certain(0.8)]
    engine = FakeEngine(branches=[unlikely, likely])

    events = await events_of(engine, replace(WAVES, vote=vote), _FailingRecall([hit(1), hit(2)]))

    assert answer_of(events).text == "It is so."
