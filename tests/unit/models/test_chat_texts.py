"""The texts of conversation: enough of them, each in its form, none near a question of the test."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from models.curriculum.chat.texts import (
    FOLDER,
    KINDS,
    TALK,
    draw_advice,
    draw_chat,
    draw_document,
    draw_question_and_subproblem,
    draw_thought_template,
    read_advice,
    read_dialogues,
    read_documents,
    read_reply_groups,
    read_subproblems,
    read_thought_templates,
)
from models.curriculum.families import read_families
from models.curriculum.overlap import find_overlaps
from models.curriculum.slots import fill_wording

QUESTIONS = Path(__file__).resolve().parents[3] / "models/curriculum/questions/questions.jsonl"


def asked_texts() -> list[str]:
    """Each text that the test puts to a model: the questions, and those before a follow-up."""
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [text["question"] for row in rows for text in (row, *row["earlier"])]


def said_texts() -> list[str]:
    """All replies, those of dialogues too."""
    replies = [reply for group in read_reply_groups() for reply in group.replies]
    return replies + [reply for talk in read_dialogues() for _, reply in talk]


def typed_texts() -> list[str]:
    """All that is typed, with slots."""
    asks = [ask for group in read_reply_groups() for ask in group.asks]
    return asks + [ask for talk in read_dialogues() for ask, _ in talk]


def strip_marks(text: str) -> str:
    """Letters and digits alone, in one case; a text of marks as it is."""
    return "".join(character for character in text.casefold() if character.isalnum()) or text


def repeated(texts: Iterable[str]) -> list[str]:
    """Those that are there twice, whatever their capitals and marks."""
    return [text for text, count in Counter(map(strip_marks, texts)).items() if count > 1]


def count_words(text: str) -> int:
    """The words between blanks."""
    return len(text.split())


def test_there_are_enough_texts() -> None:
    """Every kind of chat has some; each group has several ways to ask and several replies."""
    groups = read_reply_groups()
    assert {group.kind for group in groups} == set(KINDS)
    assert sum(len(group.asks) for group in groups) >= 450
    for group in groups:
        assert 4 <= len(group.asks) <= 12, group
        assert 2 <= len(group.replies) <= 4, group
    assert len(read_dialogues()) >= 8
    assert all(len(talk) >= 2 for talk in read_dialogues())
    assert len(read_subproblems()) >= 400
    assert len(read_advice()) >= 40
    assert len(read_documents()) >= 40
    assert len(read_thought_templates()) >= 12


def test_nothing_is_there_twice() -> None:
    """No question of a group, no problem, no subproblem, no piece of advice, no paragraph."""
    assert repeated(ask for group in read_reply_groups() for ask in group.asks) == []
    for texts in zip(*read_subproblems(), strict=True):
        assert repeated(texts) == []
    assert repeated(text for e in read_advice() for text in (e.subproblem, e.subroutine)) == []
    assert repeated((*read_documents(), *read_thought_templates())) == []


def test_replies_are_short_and_hold_no_arithmetic() -> None:
    """One to three sentences that end; no sign of an operation stands between two numbers."""
    for reply in said_texts():
        sentences = re.split(r"(?<=[.!?]) +(?=[A-Z])", reply)
        assert 1 <= len(sentences) <= 3, reply
        assert count_words(reply) <= 45, reply
        assert re.search(r"[.!?]$|FILE\.gguf$|\.rms$|--store S$", reply), reply
        assert re.search(r"<<|\d\s*[-+*/×÷=^%]\s*\d|\d\s*=", reply) is None, reply
        assert "{" not in reply, reply


def test_subproblems_are_one_general_question() -> None:
    """Of 5 to 15 words, without a digit, and none that a family has."""
    families = {family.subproblem for family in read_families().values()}
    for question, subproblem in read_subproblems():
        assert re.fullmatch(r"How to [^\d?{}]+\?", subproblem), subproblem
        assert 5 <= count_words(subproblem) <= 15, subproblem
        assert subproblem not in families, subproblem
        assert question.strip() == question != "", question


def test_advice_and_paragraphs_have_their_lengths() -> None:
    """Advice is in the first person; words are counted."""
    for entry in read_advice():
        assert re.fullmatch(r"How to [^\d?]+\?", entry.subproblem), entry
        assert entry.subroutine.startswith("For problems like this, I should "), entry
        assert 40 <= count_words(entry.subroutine) <= 110, entry
    assert all(40 <= count_words(text) <= 90 for text in read_documents())
    assert all(20 <= count_words(text) <= 60 for text in read_thought_templates())


def test_no_question_of_the_test_is_near_a_text() -> None:
    """None shares six words in a row with one, and none is the same as what is typed."""
    rng = random.Random(5)
    entries = chain.from_iterable((e.subproblem, e.subroutine) for e in read_advice())
    problems = [fill_wording(rng, text, {}) for pair in read_subproblems() for text in pair]
    typed = [fill_wording(rng, text, {}) for text in typed_texts()]
    texts = [
        *typed,
        *said_texts(),
        *problems,
        *entries,
        *read_documents(),
        *read_thought_templates(),
    ]
    asked = asked_texts()
    # Only our own text is named: a test question must not come to be known through a failure.
    assert sorted({overlap.text for overlap in find_overlaps(asked, texts)}) == []
    plain = {strip_marks(text) for text in asked}
    assert [text for text in (*typed, *problems) if strip_marks(text) in plain] == []


def test_draws_fill_all_slots_and_repeat_with_the_seed() -> None:
    """A name or a place stands where a brace was; the same seed draws the same texts."""
    chats = [draw_chat(random.Random(seed)) for seed in range(400)]
    assert {chat.kind for chat in chats} == {*KINDS, TALK}
    for chat in chats:
        assert all(ask and reply for ask, reply in chat.turns), chat
        assert not any("{" in text for turn in chat.turns for text in turn), chat
        assert (len(chat.turns) > 1) == (chat.kind == TALK), chat
    assert chats == [draw_chat(random.Random(seed)) for seed in range(400)]
    rng = random.Random(8)
    assert not any(re.search(r"\{\w+\}", draw_question_and_subproblem(rng)[0]) for _ in range(400))
    assert draw_advice(rng) in read_advice()
    assert draw_document(rng) in read_documents()
    assert draw_thought_template(rng) in read_thought_templates()


def test_files_of_texts_stay_short() -> None:
    """At most 400 lines of at most 120 characters."""
    paths = sorted(FOLDER.glob("*.toml"))
    assert paths
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, path
        assert max(map(len, lines)) <= 120, path
