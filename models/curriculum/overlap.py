"""Finds questions that share consecutive words with a training text, names and numbers masked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.nano.curriculum.tables import read_table

FILE = Path(__file__).with_name("masked.toml")
RUN = 6
"""Number of consecutive words that a question must not share with a training text."""
NAME, NUMBER = "@", "#"
"""Masks for names and for numbers."""

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[.!?:\n]")


@dataclass(frozen=True, slots=True)
class Overlap:
    """A question, a training text, and the consecutive masked words that both have."""

    question: str
    text: str
    words: tuple[str, ...]


def find_overlaps(
    questions: Iterable[str], texts: Iterable[str], length: int = RUN
) -> list[Overlap]:
    """Return an overlap for each pair of question and text that share `length` masked words."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for question in dict.fromkeys(questions):
        for run in set(_list_word_runs(question, length)):
            asked.setdefault(run, []).append(question)
    found: dict[tuple[str, str], Overlap] = {}
    for text in texts:
        for run in _list_word_runs(text, length):
            for question in asked.get(run, ()):
                found.setdefault((question, text), Overlap(question, text, run))
    return list(found.values())


def mask_words(text: str) -> list[str]:
    """Return the words in lower case with names and numbers masked; several in a row are one."""
    words: list[str] = []
    opening = True
    for piece in _WORD.findall(text):
        if piece in ".!?:\n":
            opening = True
            continue
        word = _mask_word(piece, opening)
        opening = False
        if word not in (NAME, NUMBER) or words[-1:] != [word]:
            words.append(word)
    return words


def _mask_word(piece: str, opening: bool) -> str:
    """Return the word, or its mask; `opening` says that it is the first word of a sentence."""
    word = piece.replace("’", "'").casefold()
    if piece[0].isdigit() or word in _read_word_set("numerals"):
        return NUMBER
    bare = word.removesuffix("'s")
    if bare in _read_word_set("names"):
        return NAME
    within = piece[0].isupper() and not opening and len(piece) > 1
    return NAME if within and bare.split("'")[0] not in _read_word_set("openers") else word


def _list_word_runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    words = mask_words(text)
    return zip(*(words[start:] for start in range(length)), strict=False)


@cache
def _read_word_set(key: str) -> frozenset[str]:
    """Return the words of `masked.toml` under this key; names also of rm-nano's stories."""
    words = tomllib.loads(FILE.read_text(encoding="utf-8"))[key]
    people = read_table("words")["people"] if key == "names" else []
    return frozenset(words) | {name.casefold() for name in people}
