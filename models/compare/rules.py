"""What makes an answer acceptable: pure functions over its text, each one rule."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from models.compare.language import detect_possible_languages

FORCED_WORDS = 5
"""Consecutive words of the method's own phrases that nobody writes by chance."""

HINT_WORDS = 12
"""Consecutive words of a hint from which an answer recites it instead of using it."""

LONGEST_PERIOD, TIMES, LOOP_WORDS = 60, 3, 12
"""A text loops when up to 60 words follow each other three times and are 12 words in all, ..."""
SENTENCE_WORDS = 4
"""... or when it has the same sentence of at least 4 words three times anywhere."""

PHRASE_WORDS = 4
"""Words of an answer without a full stop that may begin in lower case, as `the blue whale`."""

ON_TOPIC_SHARE = 0.75
"""Share of the answers to other questions that an answer is nearer to its question than."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = "\u0300-\u036f\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0962\u0963"
_WORDS = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w{_MARKS}])+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]*_`]*(?=\s|$)|(?<=[。！？।؟۔])|\n")
_ITEM_OR_CODE = re.compile(r"[-*•–]\s|`")
_OPENERS = "\"'“‘«¿¡([{*_#>`-–—•~$\\/ \t\n"
_CLOSERS = ",;:.!?)]}%»”’。，、；：！？）」"


def split_words(text: str) -> list[str]:
    """Words in one case; each Chinese or Japanese character by itself, as they have no spaces."""
    return _WORDS.findall(unicodedata.normalize("NFC", text).casefold())


def split_sentences(text: str) -> list[str]:
    """The sentences and lines of the text; the last may have no end."""
    return [piece for part in _SENTENCE_END.split(text) if (piece := part.strip())]


def begins_at_first_word(text: str) -> bool:
    """Whether the text seems to begin where it was begun, not in the middle of a sentence.

    It may not begin with closing punctuation, nor in lower case, unless it is a short phrase, a
    list or code.
    """
    start = text.lstrip(_OPENERS)
    if not start or start[0] in _CLOSERS:
        return False
    closed = text.rstrip().endswith((".", "!", "?"))
    phrase = len(split_words(text)) <= PHRASE_WORDS and not closed and "\n" not in text.strip()
    return not start[0].islower() or phrase or bool(_ITEM_OR_CODE.match(text.lstrip()))


def has_whole_sentence(text: str) -> bool:
    """Whether at least one sentence or line has its end; what follows it may be cut off."""
    ends = (match.start() for match in _SENTENCE_END.finditer(text.rstrip()))
    return any(any(character.isalpha() for character in text[:end]) for end in ends)


def is_complete_answer(text: str, stop: str) -> bool:
    """Whether it begins at its first word, and ended by itself or after a whole sentence.

    `stop` is the branch's reason to end; `end` when the model ended it.
    """
    return begins_at_first_word(text) and (stop == "end" or has_whole_sentence(text))


def repeats_phrase(text: str, phrases: Iterable[str], words: int) -> bool:
    """Whether the text has that many consecutive words of one of the phrases."""
    said = _collect_word_runs(split_words(text), words)
    return any(said & _collect_word_runs(split_words(phrase), words) for phrase in phrases)


def has_forced_text(text: str, forced: Sequence[str], hints: Sequence[str]) -> bool:
    """Whether the text contains what the program wrote: its phrases, or a good part of a hint.

    `forced` holds the phrases around a hint; `hints` the texts of those that the answer had.
    """
    marks = ("[hint]", "[end of hint]")
    return (
        any(mark in text.casefold() for mark in marks)
        or repeats_phrase(text, forced, FORCED_WORDS)
        or repeats_phrase(text, hints, HINT_WORDS)
    )


def has_loop(text: str) -> bool:
    """Whether some words follow each other again and again, or a sentence comes three times."""
    sentences = (tuple(split_words(sentence)) for sentence in split_sentences(text))
    counts = Counter(each for each in sentences if len(each) >= SENTENCE_WORDS)
    if max(counts.values(), default=0) >= TIMES:
        return True
    words = split_words(text)
    return any(
        _measure_longest_repeat(words, period) + period >= max(TIMES * period, LOOP_WORDS)
        for period in range(1, min(LONGEST_PERIOD, len(words) // TIMES) + 1)
    )


def is_in_language(text: str, language: str) -> bool:
    """Whether the text can be in the language; one without evidence can."""
    return not (found := detect_possible_languages(text)) or language in found


def contains_accepted_form(text: str, forms: Sequence[str], language: str) -> bool:
    """Whether the text contains one of the accepted forms, as whole words (`questions/README`)."""
    said = unicodedata.normalize("NFC", text).casefold()
    for form in (unicodedata.normalize("NFC", each).casefold() for each in forms):
        bounded = re.search(rf"(?<![\w{_MARKS}]){re.escape(form)}(?![\w{_MARKS}])", said)
        if bounded or (language in ("zh", "ja") and form in said):
            return True
    return False


def is_on_topic(own: float, others: Sequence[float]) -> bool:
    """Whether the answer is nearer to its question than most answers to other questions are.

    Cosines of the question with this answer and with those; without others it cannot be told.
    """
    return not others or sum(own > other for other in others) >= ON_TOPIC_SHARE * len(others)


def _collect_word_runs(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _measure_longest_repeat(words: Sequence[str], period: int) -> int:
    """Most consecutive words that equal the word `period` places before them."""
    longest = run = 0
    for word, before in zip(words[period:], words, strict=False):
        run = run + 1 if word == before else 0
        longest = max(longest, run)
    return longest
