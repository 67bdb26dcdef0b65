"""In which language a text is: by its script, and for Latin letters by its commonest words.

For the languages of `models/seed/questions`, and no others; a text that gives no evidence, such as
a number or a name, belongs to none.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

SCRIPTS = (
    ("ko", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"),
    ("kana", "\u3041-\u3096\u30a1-\u30fa\u30fc"),
    ("han", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("ar", "\u0620-\u064a\u066e-\u06d3"),
    ("hi", "\u0904-\u0939\u0958-\u0961"),
    ("ru", "\u0400-\u052f"),
    ("el", "\u0370-\u03ff"),
    ("he", "\u05d0-\u05ea"),
    ("th", "\u0e01-\u0e30"),
    ("latin", "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"),
)
"""Scripts as ranges of letters; a script of one language here has that language's code."""

KANA_SHARE = 0.1
"""Of Japanese letters, kana at least; Chinese has none, and a name in kana is less."""

SHORT_HAN = 8
"""Up to so many Chinese characters without kana can be a Japanese answer, too."""

_TABLE = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
WORDS = {language: frozenset(row["words"].split()) for language, row in _TABLE.items()}
"""Common words of the languages that are written in Latin letters."""
LETTERS = {language: row.get("letters", "") for language, row in _TABLE.items()}
"""Letters and marks that of these languages only one has."""

_PATTERNS = {name: re.compile(f"[{ranges}]") for name, ranges in SCRIPTS}
# A single ASCII letter is as often the name of a number as it is a word.
_WORD = re.compile(r"(?![A-Za-z]\b(?!['’]))[^\W\d_]+(?:['’][^\W\d_]+)*")


def detect_possible_languages(text: str) -> frozenset[str]:
    """ISO 639-1 codes of the languages that the text may be in; empty without evidence."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _PATTERNS.items()}
    counts["han"] += counts["kana"]
    script = max(counts, key=lambda name: counts[name])
    if not counts[script]:
        return frozenset()
    if script == "latin":
        return _detect_latin_languages(text)
    if script in ("han", "kana"):
        return _distinguish_chinese_japanese(counts["kana"], counts["han"])
    return frozenset({script})


def _distinguish_chinese_japanese(kana: int, letters: int) -> frozenset[str]:
    if kana >= KANA_SHARE * letters:
        return frozenset({"ja"})
    return frozenset({"zh", "ja"} if not kana and letters <= SHORT_HAN else {"zh"})


def _detect_latin_languages(text: str) -> frozenset[str]:
    """Those whose words and letters are found most often."""
    words = Counter(word.replace("’", "'") for word in _WORD.findall(text.lower()))
    found = {
        language: sum(count for word, count in words.items() if _is_known_word(word, known))
        + sum(text.count(letter) for letter in LETTERS[language])
        for language, known in WORDS.items()
    }
    most = max(found.values())
    return frozenset(language for language, count in found.items() if most and count == most)


def _is_known_word(word: str, known: frozenset[str]) -> bool:
    """Whether the word is one of these, or begins with one and an apostrophe, as `l'eau`."""
    head, apostrophe, _ = word.partition("'")
    return word in known or (bool(apostrophe) and f"{head}'" in known)
