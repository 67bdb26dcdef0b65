"""Checks whether a subproblem written by a model is usable as a query for the search."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rm_local.loop.subproblem import MAX_SUBPROBLEM_CHARS
from rm_local.text import one_line

MAX_WORDS = 40
_ECHO = 5
"""Number of consecutive words that a text and a prompt share if the text repeats the prompt."""
_ADDRESS = re.compile(
    r"https?:|\bwww\.|\w@\w|\b[\w-]+\.(?:com|org|net|edu|gov|io|html?|php)\b", re.I
)
_NUMBER = re.compile(r"(?<![^\W_])[-+]?\d+(?:[.,]\d+)*")
"""A number by itself, not the digits of `log2`, `N2O4` or `x1`."""
_STUCK = re.compile(r"([^\W\d_])\1{4}")
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
"""Scripts without spaces between words: each character counts as a word."""


def is_usable_query(text: str, question: str, prompt_texts: Iterable[str]) -> bool:
    """Return whether a line that the model wrote as the subproblem of `question` is usable.

    It has two to MAX_WORDS words, and contains no letter repeated five times in a row, no address,
    no number of the question, and no _ECHO consecutive words of a text in `prompt_texts`.
    """
    words = len(_WORD.findall(text)) + len(_UNSPACED.findall(text))
    return (
        words >= 2
        and len(text.split()) <= MAX_WORDS
        and not _ADDRESS.search(text)
        and not _STUCK.search(text)
        and not _find_numbers(text) & _find_numbers(question)
        and not any(_repeats_prompt(text, each) for each in prompt_texts)
    )


def strip_numbers_if_enough_words(question: str) -> str:
    """Return the question as one line without numbers; with them if less than two words remain."""
    stripped = one_line(_NUMBER.sub("", question), MAX_SUBPROBLEM_CHARS)
    words = len(_WORD.findall(stripped)) + len(_UNSPACED.findall(stripped))
    return stripped if words >= 2 else one_line(question, MAX_SUBPROBLEM_CHARS)


def _find_numbers(text: str) -> set[str]:
    """Return the numbers in a text, as they are written but without signs."""
    return {found.lstrip("+-") for found in _NUMBER.findall(text)}


def _repeats_prompt(text: str, prompt: str) -> bool:
    """Return whether the text has _ECHO consecutive words of the prompt."""
    words, asked = (_WORD.findall(each.lower()) for each in (text, prompt))
    runs = {tuple(asked[i : i + _ECHO]) for i in range(len(asked) - _ECHO + 1)}
    return any(tuple(words[i : i + _ECHO]) in runs for i in range(len(words) - _ECHO + 1))
