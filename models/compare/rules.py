"""The rules for an acceptable answer: pure functions of its text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from models.compare.language import detect_possible_languages

FORCED_WORDS = 5
"""Number of consecutive words of the method's phrases that an answer never has by chance."""

HINT_WORDS = 12
"""Number of consecutive words of a hint from which on an answer counts as reciting it."""

LONGEST_PERIOD, TIMES, LOOP_WORDS = 60, 3, 12
"""Limits of a loop: words in its period, minimum repetitions, minimum words in all."""
SENTENCE_WORDS = 4
"""Minimum words of a sentence that counts as a loop if the text has it three times."""

PHRASE_WORDS = 4
"""Maximum words of an answer without a full stop that may begin in lower case: `blue whale`."""

ON_TOPIC_SHARE = 0.75
"""Minimum share of answers to other questions that are less near to the question."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = "\u0300-\u036f\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0962\u0963"
_WORDS = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w{_MARKS}])+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]*_`]*(?=\s|$)|(?<=[。！？।؟۔])|\n")
_ITEM_OR_CODE = re.compile(r"[-*•–]\s|`")
_OPENERS = "\"'“‘«¿¡([{*_#>`-–—•~$\\/ \t\n"
_CLOSERS = ",;:.!?)]}%»”’。，、；：！？）」"


def normalize_and_split_words(text: str) -> list[str]:
    """Split the text into words in one case; each Chinese or Japanese character is a word."""
    return _WORDS.findall(unicodedata.normalize("NFC", text).casefold())


def split_sentences(text: str) -> list[str]:
    """Split the text into sentences and lines; the last one may have no end."""
    return [piece for part in _SENTENCE_END.split(text) if (piece := part.strip())]


def begins_at_first_word(text: str) -> bool:
    """Return whether the text seems to begin at a start, not in the middle of a sentence.

    It must not begin with closing punctuation, nor in lower case, unless it is a short phrase, a
    list or code.
    """
    start = text.lstrip(_OPENERS)
    if not start or start[0] in _CLOSERS:
        return False
    closed = text.rstrip().endswith((".", "!", "?"))
    phrase = (
        len(normalize_and_split_words(text)) <= PHRASE_WORDS
        and not closed
        and "\n" not in text.strip()
    )
    return not start[0].islower() or phrase or bool(_ITEM_OR_CODE.match(text.lstrip()))


def has_whole_sentence(text: str) -> bool:
    """Return whether at least one sentence or line of the text is complete."""
    ends = (match.start() for match in _SENTENCE_END.finditer(text.rstrip()))
    return any(any(character.isalpha() for character in text[:end]) for end in ends)


def is_complete_answer(text: str, stop: str) -> bool:
    """Return whether the text begins at a start, and ended by itself or has a whole sentence.

    `stop` is the reason for the branch's end; `end` if the model ended it.
    """
    return begins_at_first_word(text) and (stop == "end" or has_whole_sentence(text))


def repeats_phrase(text: str, phrases: Iterable[str], words: int) -> bool:
    """Return whether the text has `words` consecutive words of one of the phrases."""
    said = _collect_word_runs(normalize_and_split_words(text), words)
    return any(
        said & _collect_word_runs(normalize_and_split_words(phrase), words) for phrase in phrases
    )


def has_forced_text(text: str, forced: Sequence[str], hints: Sequence[str]) -> bool:
    """Return whether the text has what the program wrote: its phrases, or a long part of a hint.

    `forced` lists the phrases around a hint, `hints` the texts of the hints that the answer had.
    """
    marks = ("[hint]", "[end of hint]")
    return (
        any(mark in text.casefold() for mark in marks)
        or repeats_phrase(text, forced, FORCED_WORDS)
        or repeats_phrase(text, hints, HINT_WORDS)
    )


def has_loop(text: str) -> bool:
    """Return whether words repeat each other at once several times, or a sentence three times."""
    sentences = (tuple(normalize_and_split_words(sentence)) for sentence in split_sentences(text))
    counts = Counter(each for each in sentences if len(each) >= SENTENCE_WORDS)
    if max(counts.values(), default=0) >= TIMES:
        return True
    words = normalize_and_split_words(text)
    return any(
        _measure_longest_repeat(words, period) + period >= max(TIMES * period, LOOP_WORDS)
        for period in range(1, min(LONGEST_PERIOD, len(words) // TIMES) + 1)
    )


def is_in_language(text: str, language: str) -> bool:
    """Return whether the text may be in the language; True for a text without evidence."""
    return not (found := detect_possible_languages(text)) or language in found


def contains_accepted_form(text: str, forms: Sequence[str], language: str) -> bool:
    """Return whether the text has one of the forms as whole words; in Chinese, anywhere."""
    said = unicodedata.normalize("NFC", text).casefold()
    for form in (unicodedata.normalize("NFC", each).casefold() for each in forms):
        bounded = re.search(rf"(?<![\w{_MARKS}]){re.escape(form)}(?![\w{_MARKS}])", said)
        if bounded or (language in ("zh", "ja") and form in said):
            return True
    return False


def is_on_topic(own: float, others: Sequence[float]) -> bool:
    """Return whether the answer is nearer to its question than most other answers are.

    `own` is the question's cosine with this answer, `others` those with the answers to other
    questions. Without others the result is True.
    """
    return not others or sum(own > other for other in others) >= ON_TOPIC_SHARE * len(others)


def _collect_word_runs(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _measure_longest_repeat(words: Sequence[str], period: int) -> int:
    """Return the most consecutive words that each equal the word `period` places before."""
    longest = run = 0
    for word, before in zip(words[period:], words, strict=False):
        run = run + 1 if word == before else 0
        longest = max(longest, run)
    return longest
