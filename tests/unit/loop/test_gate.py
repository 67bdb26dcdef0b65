"""The gate: what goes straight to the model, and what its decision is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rm_local.engine.protocol import Message
from rm_local.errors import CorruptStoreError
from rm_local.loop.control import TurnOverrides
from rm_local.loop.events import (
    Author,
    BranchStarted,
    Formulated,
    Formulating,
    GateDecided,
    Retrieved,
)
from rm_local.loop.gate import (
    GATE_MODELS,
    GateFeatures,
    GateModel,
    GateVerdict,
    compute_gate_features,
    judge_features,
)
from rm_local.loop.plan import PLANS
from rm_local.loop.solver import solve
from rm_local.records import Hit
from rm_local.store import UnrelatedSimilaritySpread
from tests.support.fake_recall import FakeRecall
from tests.support.fakes import (
    SUBPROBLEM,
    FakeEngine,
    hit,
)
from tests.support.turns import MEMORY, events_of, failure_of, of

SPREAD = UnrelatedSimilaritySpread(0.2, 0.05, 100)


async def test_a_question_that_nothing_fits_goes_straight_to_the_model() -> None:
    """One branch, with nothing forced and nothing formulated: what the plan `none` asks for."""
    engine, alone = FakeEngine(), FakeEngine()
    events = await events_of(engine, PLANS["memory"], FakeRecall(fits=False))
    await events_of(alone, PLANS["direct"])

    (gated,) = of(GateDecided, events)
    assert (gated.open, gated.reason, gated.probability) == (False, "nothing_fits", 0.1)  # type: ignore[union-attr]
    assert of(Formulating, events) == of(Formulated, events) == of(Retrieved, events) == []
    assert engine.grown == alone.grown
    assert engine.turns == alone.turns


async def test_a_question_that_something_fits_gets_hits() -> None:
    """It is the question that is judged, before the model reads anything."""
    engine, recall = FakeEngine(), FakeRecall()
    events = await events_of(engine, recall=recall, question=" What is\n4 + 4? ")

    assert isinstance(events[0], GateDecided)
    assert (events[0].open, events[0].reason) == (True, "fits")
    assert recall.judged == ["What is 4 + 4?"]
    assert of(Retrieved, events)


async def test_a_follow_up_is_judged_with_the_question_before_it() -> None:
    """Where it fits nothing by itself; it is then searched for with that question, too."""

    class Knows(FakeRecall):
        async def judge_question(self, question: str) -> GateVerdict:
            self.judged.append(question)
            return GateVerdict("kinetic" in question, 0.4)

    recall, history = (
        Knows(),
        (Message("user", "What is kinetic energy?"), Message("assistant", "E")),
    )
    turn = solve("And for 9 kg?", MEMORY, FakeEngine(), recall, history=history)
    events = [event async for event in turn]

    assert recall.judged == ["And for 9 kg?", "What is kinetic energy? And for 9 kg?"]
    assert recall.questions == ["What is kinetic energy? And for 9 kg?"]
    assert of(Retrieved, events)


async def test_an_aside_in_a_conversation_stays_one() -> None:
    """Thanks are not searched for, whatever they are for."""

    class Aside(FakeRecall):
        async def judge_question(self, question: str) -> GateVerdict:
            self.judged.append(question)
            return GateVerdict(False, 0.0)

    recall = Aside()
    turn = solve("Thanks!", MEMORY, FakeEngine(), recall, history=(Message("user", "2 + 2?"),))
    events = [event async for event in turn]

    assert recall.judged == ["Thanks!"]
    assert of(Retrieved, events) == []


async def test_a_plan_can_force_the_gate_open() -> None:
    """Nothing is judged then, and what is found is used."""
    recall = FakeRecall(fits=False)
    events = await events_of(FakeEngine(), replace(MEMORY, question_gate="open"), recall)

    assert recall.judged == []
    assert of(GateDecided, events) == []
    assert of(Retrieved, events)


async def test_a_plan_can_force_the_gate_shut() -> None:
    """The store is not asked at all; it need not even be there."""
    recall = FakeRecall()
    events = await events_of(FakeEngine(), replace(MEMORY, question_gate="shut"), recall)

    assert events[0] == GateDecided(False, "forced")
    assert recall.judged == recall.asked == []
    assert len(of(BranchStarted, events)) == 1


@pytest.mark.parametrize(
    "overrides", [TurnOverrides(subproblem="How to add?"), TurnOverrides(pinned=(hit(1),))]
)
async def test_what_the_user_fixed_opens_the_gate(overrides: TurnOverrides) -> None:
    """A subproblem of the user's own, or a pinned hit, says that memory is wanted."""
    recall = FakeRecall(fits=False)
    events = await events_of(FakeEngine(), recall=recall, steering=overrides)

    assert recall.judged == []
    assert of(Retrieved, events)


async def test_an_open_gate_with_nothing_found_is_as_a_shut_one() -> None:
    """No cue and one branch: the subproblem alone helps nobody."""
    engine = FakeEngine()
    await events_of(engine, PLANS["memory"], FakeRecall([]))

    formulation, branches = engine.grown
    assert [spec.forced for spec in branches] == [""]
    assert len(formulation) == 1


async def test_a_damaged_store_fails_the_turn_at_the_gate() -> None:
    """With the store's exit code, before the model is asked."""

    class Damaged(FakeRecall):
        async def judge_question(self, question: str) -> GateVerdict:
            raise CorruptStoreError("The store is damaged.", "Verify it.")

    engine = FakeEngine()
    events = await events_of(engine, recall=Damaged())

    assert failure_of(events).exit_code == 4
    assert engine.turns == []


async def test_question_and_subproblem_are_searched_for_together() -> None:
    """Or each alone, as the plan says; the user's own subproblem always is alone."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for query in ("both", "subproblem", "question"):
        recall = FakeRecall()
        await events_of(FakeEngine(), replace(MEMORY, query=query), recall, question="Why 4?")
        asked[query] = list(zip(recall.asked, recall.questions, strict=True))
    recall = FakeRecall()
    await events_of(FakeEngine(), recall=recall, steering=TurnOverrides(subproblem="own"))

    assert asked == {
        "both": [(SUBPROBLEM, "Why 4?")],
        "subproblem": [(SUBPROBLEM, "")],
        "question": [("Why 4?", "")],
    }
    assert (recall.asked, recall.questions) == (["own"], [""])


@pytest.mark.parametrize("author", ["model", "question"])
async def test_a_turn_that_is_run_again_is_searched_as_before(author: Author) -> None:
    """Its subproblem and whose it is stay; only one of the user's own is searched for alone."""
    recall, engine = FakeRecall(), FakeEngine()
    again = TurnOverrides(subproblem="How to add?", author=author)
    events = await events_of(engine, recall=recall, question="Why 4?", steering=again)

    assert of(Formulated, events) == [Formulated("How to add?", 0.0, author)]
    assert of(Formulating, events) == []
    assert recall.judged == ["Why 4?"]
    assert (recall.asked, recall.questions) == (["How to add?"], ["Why 4?"])


@pytest.mark.parametrize("pinned", [(), (hit(1),)])
async def test_a_follow_up_that_is_run_again_keeps_the_question_before_it(
    pinned: tuple[Hit, ...],
) -> None:
    """With a pinned hit, too."""

    class Knows(FakeRecall):
        async def judge_question(self, question: str) -> GateVerdict:
            return GateVerdict("kinetic" in question, 0.4)

    recall = Knows()
    again = TurnOverrides("How to find it?", pinned, author="model")
    history = (Message("user", "What is kinetic energy?"), Message("assistant", "E"))
    turn = solve("And 9?", MEMORY, FakeEngine(), recall, overrides=again, history=history)
    events = [event async for event in turn]

    assert recall.questions == ["What is kinetic energy? And 9?"]
    assert [event.reason for event in events if isinstance(event, GateDecided)] == ["fits"]


async def test_a_pinned_hit_opens_the_gate_of_a_turn_that_is_run_again() -> None:
    """Also where nothing fits; what is searched for is then the question itself."""
    recall = FakeRecall(fits=False)
    again = TurnOverrides("How to add?", (hit(1),), author="model")
    events = await events_of(FakeEngine(), recall=recall, question="Why 4?", steering=again)

    assert [(e.open, e.reason) for e in events if isinstance(e, GateDecided)] == [(True, "forced")]
    assert recall.questions == ["Why 4?"]


def test_features_are_read_on_the_scale_of_the_store() -> None:
    """Nearness and lead in the store's widths, prominence in those of the probes to the entry."""
    probes = np.array([[0.1, 0.3], [0.3, 0.5]], np.float32)
    features = compute_gate_features([0.5, 0.4], probes, SPREAD, 0.55)

    assert features.nearness == pytest.approx(6.0)
    assert features.prominence == pytest.approx(3.0)
    assert features.lead == pytest.approx(2.0)
    assert features.aside == pytest.approx(0.05)


def test_the_lead_is_over_the_eighth_hit() -> None:
    """Those further down do not count."""
    similarities = [0.5 - 0.01 * rank for rank in range(20)]
    features = compute_gate_features(similarities, np.zeros((2, 20), np.float32), SPREAD, 0.0)

    assert features.lead == pytest.approx(7 * 0.01 / SPREAD.width)


@pytest.mark.parametrize(("nearness", "fits"), [(1.9, False), (2.0, True)])
def test_the_threshold_is_of_the_log_odds(nearness: float, fits: bool) -> None:
    """At it the gate is open."""
    model = GateModel(1.0, 0.0, 0.0, -1.0, 1.0)
    verdict = judge_features(GateFeatures(nearness, 0.0, 0.0, 0.0), model)

    assert verdict.fits == fits
    assert verdict.probability == pytest.approx(1 / (1 + np.exp(1 - nearness)))


def test_odds_beyond_all_bounds_are_a_probability() -> None:
    """A store of one entry can be very far from a question, or very near."""
    model = GateModel(1.0, 0.0, 0.0, 0.0, 0.0)
    far, near = (judge_features(GateFeatures(n, 0.0, 0.0, 0.0), model) for n in (-1e9, 1e9))

    assert 0 <= far.probability < near.probability <= 1
    assert (far.fits, near.fits) == (False, True)


def test_every_model_opens_for_what_is_near_and_prominent() -> None:
    """And not for what is as near as any sentence."""
    for model in GATE_MODELS.values():
        assert judge_features(GateFeatures(8.0, 8.0, 3.0, 0.0), model).fits
        assert not judge_features(GateFeatures(0.0, 2.0, 0.5, 0.0), model).fits


@pytest.mark.parametrize(("aside", "fits"), [(0.1, True), (0.11, False)])
def test_what_is_nearer_to_an_aside_fits_nothing(aside: float, fits: bool) -> None:
    """However near an entry is: "what can this program do?" is no question about programming."""
    verdict = judge_features(GateFeatures(8.0, 8.0, 3.0, aside), GATE_MODELS["rm-static"])

    assert verdict.fits == fits
    assert (verdict.probability > 0) == fits
