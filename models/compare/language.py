"""Detects the language of a text by its script, or for Latin letters by its common words.

Only the languages of `models/seed/questions` are known. A text without evidence, such as a number
or a name, has no language.
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
"""Pairs of a script and its letters, as ranges of a regular expression.

A script that only one of the languages uses is named by that language's code.
"""

KANA_SHARE = 0.1
"""Minimum share of kana among the letters of a Japanese text; Chinese text has at most a name."""

SHORT_HAN = 8
"""Maximum Chinese characters of a text without kana that may be Japanese as well."""

_TABLE = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
WORDS = {language: frozenset(row["words"].split()) for language, row in _TABLE.items()}
"""By language code, the common words of each language in Latin letters."""
LETTERS = {language: row.get("letters", "") for language, row in _TABLE.items()}
"""By language code, letters and marks that only this language has, among those of `WORDS`."""

_PATTERNS = {name: re.compile(f"[{ranges}]") for name, ranges in SCRIPTS}
# A single ASCII letter is as often the name of a number as it is a word.
_WORD = re.compile(r"(?![A-Za-z]\b(?!['’]))[^\W\d_]+(?:['’][^\W\d_]+)*")


def detect_possible_languages(text: str) -> frozenset[str]:
    """Return the ISO 639-1 codes of the languages the text may be in; empty without evidence."""
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
    """Return the languages whose words and letters the text has most often; empty without any."""
    words = Counter(word.replace("’", "'") for word in _WORD.findall(text.lower()))
    found = {
        language: sum(count for word, count in words.items() if _is_known_word(word, known))
        + sum(text.count(letter) for letter in LETTERS[language])
        for language, known in WORDS.items()
    }
    most = max(found.values())
    return frozenset(language for language, count in found.items() if most and count == most)


def _is_known_word(word: str, known: frozenset[str]) -> bool:
    """Return whether `known` has the word, or its beginning with the apostrophe, as in `l'eau`."""
    head, apostrophe, _ = word.partition("'")
    return word in known or (bool(apostrophe) and f"{head}'" in known)
