"""Makes up words that exist in no language."""

from __future__ import annotations

import random

CONSONANTS = "bbcddffgghjkkllmmnnpprrssttvwz"
VOWELS = "aaeeiioou"
STARTS = ("bl", "br", "cl", "dr", "fl", "gl", "gr", "kr", "pl", "qu", "sk", "sn", "st", "tr", "thr")
ENDINGS = ("", "n", "r", "k", "l", "t", "sh", "nd", "m", "p", "rt", "x", "ng", "ble", "th")
NOUN_ENDINGS = (
    "ance",
    "ity",
    "ness",
    "ure",
    "ment",
    "ion",
    "age",
    "or",
    "um",
    "ex",
    "al",
    "ic rate",
)


_UNKIND = (
    "fuk",
    "fuc",
    "dik",
    "kok",
    "tit",
    "cum",
    "pis",
    "naz",
    "rap",
    "sex",
    "fag",
    "nig",
    "jap",
)


def coin_word(rng: random.Random, syllables: int = 0) -> str:
    """Make up a short word, such as `dravik`; `syllables` = 0 draws their number."""
    word = _join_syllables(rng, syllables)
    while any(part in word for part in _UNKIND):
        word = _join_syllables(rng, syllables)
    return word


def _join_syllables(rng: random.Random, syllables: int) -> str:
    count = syllables or rng.choice((1, 2, 2, 2, 3))
    parts = [
        (rng.choice(STARTS) if rng.random() < 0.25 else rng.choice(CONSONANTS)) + rng.choice(VOWELS)
        for _ in range(count)
    ]
    return "".join(parts) + rng.choice(ENDINGS[1:] if count == 1 else ENDINGS)


def coin_quantity(rng: random.Random) -> str:
    """Make up a name of a quantity, such as `tradance`."""
    if rng.random() < 0.4:
        return coin_word(rng)
    stem = coin_word(rng, rng.choice((1, 2))).rstrip(VOWELS)
    return stem + rng.choice(NOUN_ENDINGS)
