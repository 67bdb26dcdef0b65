"""Languages are detected by script and common words, as well as the labelled questions need it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.compare.language import detect_possible_languages

QUESTIONS = Path(__file__).resolve().parents[3] / "models" / "seed" / "questions"


def test_labelled_questions_have_the_language_that_people_gave_them() -> None:
    """Of 577 in 13 languages at most 1 % are taken for another, and at most 5 % for none."""
    lines = [
        json.loads(line)
        for name in ("gate.jsonl", "conversation.jsonl")
        for line in (QUESTIONS / name).read_text(encoding="utf-8").splitlines()
    ]
    found = [(each["language"], detect_possible_languages(each["question"])) for each in lines]

    wrong = [
        (label, languages) for label, languages in found if languages and label not in languages
    ]
    assert len(found) > 500
    assert len(wrong) <= len(found) / 100, wrong
    assert sum(not languages for _, languages in found) <= len(found) / 20
    assert sum(len(languages) > 1 for _, languages in found) <= len(found) / 20


@pytest.mark.parametrize("text", ["", "5", "7 + 5 = 12", "x^2", "Ankara", ":)", "1234!"])
def test_a_text_without_evidence_has_no_language(text: str) -> None:
    """Numbers, formulas and names are the same in all."""
    assert detect_possible_languages(text) == frozenset()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The Mona Lisa was painted by Leonardo da Vinci.", "en"),
        ("L'eau de mer monte parce que la lune l'attire.", "fr"),
        ("Der Rhein fließt durch Köln.", "de"),
        ("富士山は日本で一番高い山です。", "ja"),
        ("日本最高的山是富士山，海拔三千七百七十六米。", "zh"),
        ("Снег белый.", "ru"),
        ("अंग्रेज़ी में बारह महीने", "hi"),
        ("The answer to 「雨」 is rain, which falls from clouds in the sky.", "en"),
    ],
)
def test_a_sentence_has_one_language(text: str, language: str) -> None:
    """That of most of its letters and words."""
    assert detect_possible_languages(text) == {language}


def test_a_short_text_in_chinese_characters_can_be_japanese() -> None:
    """A name without kana is written alike in both languages."""
    assert detect_possible_languages("富士山") == {"ja", "zh"}
