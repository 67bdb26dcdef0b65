"""The families for people and the questions that are never trained on: well-formed and right."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from models.curriculum.families import Family, format_answer_value, read_families
from models.curriculum.overlap import find_overlaps, mask_words
from models.nano.curriculum import KNOWN, draw_trajectory, heldout, list_curriculum_entries
from models.seed.handwritten import read_handwritten_entries

MODELS = Path(__file__).resolve().parents[3] / "models"
FIELDS = [
    "id",
    "stratum",
    "family",
    "question",
    "earlier",
    "inputs",
    "target",
    "accepted",
    "wrong_hint",
]
STRATA = {
    "known": 120,
    "held_out": 120,
    "wrong_hint": 40,
    "off_topic": 40,
    "greeting": 40,
    "follow_up": 40,
}
"""Questions of each stratum."""
SPLITS = {"known": "known", "held_out": "held-out"}
"""The strata whose questions are all of one split."""
WITHOUT_FAMILY = ("off_topic", "greeting")
DOMAINS = {
    "arithmetic",
    "math",
    "science",
    "code",
    "lists-and-strings",
    "units",
    "fractions",
    "decimals",
    "percentages",
    "dates",
    "logic",
    "word-problems",
}
PROBES = (*permutations((84, 12, 6, 3)), (60, 5, 7, 11))
"""Numbers that distinguish formulas, also those equal unless one number divides another."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The questions; decimals are read as fractions."""
    text = (MODELS / "curriculum" / "questions" / "questions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Fraction) for line in text.splitlines()]


def asked_texts(rows: list[dict[str, Any]]) -> list[str]:
    """Each text that is put to a model: the questions, and those before a follow-up."""
    return [text["question"] for row in rows for text in (row, *row["earlier"])]


def strip_punctuation(text: str) -> str:
    """Letters and digits alone, in one case: what is left equal is the same question."""
    return "".join(character for character in text.casefold() if character.isalnum())


def try_formula(family: Family, order: tuple[int, ...]) -> tuple[str, ...] | None:
    """What the formula gives for PROBES in this order; None if its inputs are no plain numbers."""
    try:
        return tuple(
            family.compute_answer(
                dict(zip(family.inputs, (probe[at] for at in order), strict=True))
            )
            for probe in PROBES
        )
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
        return None


def test_families_have_the_documented_fields() -> None:
    """At least 60 known and 40 held-out ones, in all domains; the procedure names no number."""
    families = read_families().values()
    splits = Counter(family.split for family in families)
    assert splits.keys() == {"known", "held-out"}
    assert splits["known"] >= 60
    assert splits["held-out"] >= 40
    assert {family.domain for family in families} == DOMAINS
    for family in families:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", family.name)
        assert re.fullmatch(r"How to [^0-9]+\?", family.subproblem), family.name
        assert re.fullmatch(r"[A-Z].*\.", family.asks), family.name
        assert 2 <= len(family.steps) <= 5, family.name
        assert all(re.fullmatch(r"[A-Z].*\.", step) for step in family.steps), family.name
        assert all(re.search(rf"\b{name}\b", family.answer) for name in family.inputs), family.name


def test_families_ask_different_things() -> None:
    """No two have the same subproblem or say the same of what is asked."""
    families = read_families().values()
    for texts in ([f.subproblem for f in families], [f.asks for f in families]):
        assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_families_of_rm_nano_keep_their_split() -> None:
    """What rm-nano solves by itself is known here too, and what it never learns is held out."""
    families = read_families()
    for own in KNOWN:
        assert families[own.slug].split == "known"
        assert families[own.slug].subproblem == own.subproblem
    for procedure in heldout.read_procedures():
        if procedure.slug in families:
            assert families[procedure.slug].split == "held-out"


def test_no_formula_of_a_known_family_solves_a_held_out_one() -> None:
    """Nor does that of another held-out one, in whatever order the numbers are put in."""
    results: dict[tuple[str, ...], set[str]] = {}
    families = read_families()
    for family in families.values():
        for order in permutations(range(len(PROBES[0])), min(len(family.inputs), len(PROBES[0]))):
            if len(family.inputs) <= len(PROBES[0]) and (found := try_formula(family, order)):
                results.setdefault((str(sorted(order)), *found), set()).add(family.name)
    alike = [names for names in results.values() if len(names) > 1]
    assert any("product" in names for names in alike), "the comparison finds nothing"
    held_out = {name for name, family in families.items() if family.split == "held-out"}
    assert [names for names in alike if names & held_out] == []


def test_answers_are_written_exactly() -> None:
    """Decimals where there is one, else the fraction; a float would hide a rounding."""
    written = [
        format_answer_value(value)
        for value in (Fraction(-1, 8), Fraction(6, 3), Fraction(1, 3), True)
    ]
    assert written == ["-0.125", "2", "1/3", "yes"]
    with pytest.raises(TypeError, match="float"):
        format_answer_value(0.5)


def test_questions_have_exactly_the_documented_fields(rows: list[dict[str, Any]]) -> None:
    """Each has an id of its own that names its stratum, and a text without blanks around it."""
    for row in rows:
        assert list(row) == FIELDS, row
        assert re.fullmatch(rf"{row['stratum'].replace('_', '-')}-\d{{3}}", row["id"]), row
        assert row["question"].strip() == row["question"] != "", row
        assert bool(row["earlier"]) == (row["stratum"] == "follow_up"), row
        assert (row["wrong_hint"] is not None) == (row["stratum"] == "wrong_hint"), row
        for message in row["earlier"]:
            assert list(message) == ["question", "answer", "family", "inputs"], row
    assert len({row["id"] for row in rows}) == len(rows)


def test_strata_have_their_counts(rows: list[dict[str, Any]]) -> None:
    """Two questions for each known family, three for each held-out one."""
    assert Counter(row["stratum"] for row in rows) == STRATA
    of_family = Counter(row["family"] for row in rows if row["stratum"] in SPLITS)
    wanted = {name: 2 if f.split == "known" else 3 for name, f in read_families().items()}
    assert of_family == wanted


def test_named_families_exist_in_the_right_split(rows: list[dict[str, Any]]) -> None:
    """Only off-topic questions and greetings have none; they have no target either."""
    families = read_families()
    for row in rows:
        if row["stratum"] in WITHOUT_FAMILY:
            assert (row["family"], row["inputs"], row["target"]) == (None, None, None), row
            assert row["accepted"] == [], row
        else:
            split = families[row["family"]].split
            assert split == SPLITS.get(row["stratum"], split), row
    wrong = [row for row in rows if row["stratum"] == "wrong_hint"]
    assert Counter(families[row["family"]].split for row in wrong) == {"known": 20, "held-out": 20}
    assert all(row["wrong_hint"] in families.keys() - {row["family"]} for row in wrong)


def test_targets_are_what_the_families_give(rows: list[dict[str, Any]]) -> None:
    """Worked out again from the inputs, for the answers before a follow-up as well."""
    families = read_families()
    for row in rows:
        if row["family"]:
            family = families[row["family"]]
            assert list(row["inputs"]) == list(family.inputs), row
            assert row["target"] == family.compute_answer(row["inputs"]), row
            assert row["target"] not in row["accepted"], row
            assert len(set(row["accepted"])) == len(row["accepted"]), row
            assert all(form.strip() == form != "" for form in row["accepted"]), row
        for message in row["earlier"]:
            worked = families[message["family"]].compute_answer(message["inputs"])
            assert re.search(rf"(?<![\w.]){re.escape(worked)}(?!\w|\.\d)", message["answer"]), row


def test_a_wrong_hint_gives_another_result(rows: list[dict[str, Any]]) -> None:
    """Its formula does not lead to the target, in whatever order the question's numbers come."""
    families = read_families()
    for row in (row for row in rows if row["wrong_hint"]):
        hint, given = families[row["wrong_hint"]], list(row["inputs"].values())
        for values in permutations(given, len(hint.inputs)):
            try:
                worked = hint.compute_answer(dict(zip(hint.inputs, values, strict=True)))
            except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
                continue
            assert worked != row["target"], row


def test_no_question_is_there_twice(rows: list[dict[str, Any]]) -> None:
    """Neither here nor for the seed store; a follow-up counts with what is before it."""
    here = [" ".join(m["question"] for m in (*row["earlier"], row)) for row in rows]
    seed = [
        json.loads(line)["question"]
        for path in sorted((MODELS / "seed" / "questions").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    texts = Counter(strip_punctuation(text) for text in here)
    assert [text for text, count in texts.items() if count > 1 or not text] == []
    assert texts.keys() & {strip_punctuation(text) for text in seed} == set()
    single = {strip_punctuation(text) for text in asked_texts(rows)}
    assert single & {strip_punctuation(text) for text in seed} == set()


def test_names_and_numbers_are_masked() -> None:
    """Several in a row are one; the capital of a sentence's first word makes no name."""
    masked = {
        "Tom has 3 apples. How many are 2 1/2 bags?": "@ has # apples how many are # bags",
        "I asked Ms Brownlee, Yuki's aunt": "i asked @ aunt",
        "tom’s 1,250 or twelve": "@ # or #",
    }
    assert {text: " ".join(mask_words(text)) for text in masked} == masked


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("Yesterday Jim gave 12 pears to Kim's old neighbor.", 1),
        ("yesterday he sold twelve pears to Lisa's old teacher", 0),
        ("gave 12 pears to Kim's old neighbor.\nYesterday Jim", 1),
        ("gave 12 pears to Kim's new neighbor", 0),
        ("", 0),
    ],
)
def test_six_shared_words_are_found(text: str, shared: int) -> None:
    """Under other names and numbers, anywhere in the text; five words are too few."""
    question = "so Tim gave 3 pears to Max's old neighbor, how many are left"
    found = find_overlaps([question, "hello"], [text])
    assert len(found) == shared
    assert all(overlap.question == question and len(overlap.words) == 6 for overlap in found)


def test_no_question_shares_six_words_with_a_training_text_of_rm_nano(
    rows: list[dict[str, Any]],
) -> None:
    """Nor with a wording of a known family or an entry of the seed store."""
    rng = random.Random(12)
    texts = [draw_trajectory(rng).text for _ in range(2000)]
    texts += [family.draw_problem(rng).question for family in KNOWN for _ in range(60)]
    texts += [
        f"{e.subproblem}\n{e.subroutine}"
        for e in (*list_curriculum_entries(), *read_handwritten_entries())
    ]
    found = find_overlaps(asked_texts(rows), texts)
    assert [(each.question, each.words) for each in found] == []
