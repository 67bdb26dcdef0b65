"""The texts of made-up entries: short frames of our own around sentences of real prose.

Nothing here looks at an embedding, so texts are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Ids
from rm_local.bench.corpus.corpus import read_sentences
from rm_local.records import Entry

Strings = NDArray[Any]

HELD_OUT = 2000
HELD_OUT_SHARE = 50
"""A fiftieth is held out where there are few sentences."""
MOST_ANCHORS = 100_000
STEM_WORDS = 12
CONDITION_WORDS = 6
SENTENCES = 6
"""In a subroutine."""
SPREAD_FACTOR = 7919
"""A prime, so that what is multiplied by it goes round all sentences."""

PROVENANCE = "made up by `rm-local store synth` from docstrings of the installed packages"
LABELS = {
    "domain": (("code", "math", "physics", "chemistry", "law"), (0.5, 0.3, 0.14, 0.05, 0.01)),
    "source": (("synth/a", "synth/b", "synth/c", "synth/d"), (0.4, 0.3, 0.2, 0.1)),
    "level": (("school", "college", "olympiad"), (0.5, 0.4, 0.1)),
}
"""Names and their shares; a search narrowed to one of a small share is the hard case."""

QUESTIONS = (
    ("How do I make sure of this: ", ", when ", "?"),
    ("What brings this about: ", ", given that ", "?"),
    ("Which steps lead to this: ", ", if ", "?"),
    ("How is it shown that ", " although ", "?"),
    ("What has to be done so that ", " where ", "?"),
    ("How can it be arranged that ", " while ", "?"),
    ("What is the way to this: ", ", provided that ", "?"),
    ("How would one check that ", " even if ", "?"),
)
FRAMES: tuple[tuple[str, ...], ...] = (
    ("First I recall:", "First I note:", "I begin with this:", "First I write down:"),
    ("I check that this holds:", "I make sure of this:", "I verify:", "Next I compare with:"),
    ("If this fails, I turn to:", "If not, I try this:", "Should it fail, I use:", "Otherwise:"),
    ("At the end I look at:", "Last I confirm:", "Before I answer I read:", "To finish I see:"),
)
"""What stands before the first, third, fifth and sixth sentence of a subroutine.

With more of it zstandard would do better than on real prose
(`rm_local.bench.corpus.compression_check`)."""


@dataclass(frozen=True)
class Wording:
    """Entries out of one corpus' sentences, which come in the order of their hashes."""

    sentences: tuple[str, ...]

    @property
    def held_out(self) -> tuple[str, ...]:
        """Sentences for queries; no anchor is among them."""
        return self.sentences[: min(HELD_OUT, len(self.sentences) // HELD_OUT_SHARE)]

    @cached_property
    def anchors(self) -> tuple[str, ...]:
        """Sentences about which rows are, no two of them alike in their first words."""
        rest = self.sentences[len(self.held_out) :]
        return tuple({_stem(each): each for each in reversed(rest)}.values())[::-1][:MOST_ANCHORS]

    def entries(
        self, rows: Ids, anchors: Ids, turns: Ids, labels: Sequence[Strings], rng: Rng
    ) -> list[Entry]:
        """The entries number `rows`, each about one of `anchors`, for the `turns`-th time.

        A subproblem is distinct as an anchor meets another condition in each of its turns, a
        subroutine as its first two sentences, r mod S and (r // S + k (r mod S) + 1) mod S, tell r.
        """
        domains, sources, levels = (each[anchors].tolist() for each in labels)
        asked, told = self._subproblems(anchors, turns), self._subroutines(rows, rng)
        fields = zip(asked, told, domains, sources, levels, strict=True)
        return [Entry(a, b, c, d, e, PROVENANCE) for a, b, c, d, e in fields]

    def _subproblems(self, anchors: Ids, turns: Ids) -> list[str]:
        place = (anchors * SPREAD_FACTOR + turns) % len(self._conditions)
        asked = zip(
            *(part[turns % len(QUESTIONS)].tolist() for part in _QUESTIONS),
            self._stems[anchors].tolist(),
            self._conditions[place].tolist(),
            strict=True,
        )
        return [f"{a}{stem}{b}{condition}{c}" for a, b, c, stem, condition in asked]

    def _subroutines(self, rows: Ids, rng: Rng) -> list[str]:
        count = len(self.sentences)
        first = rows % count
        second = (rows // count + first * SPREAD_FACTOR + 1) % count
        # Row by row, so that a shorter block draws what the first rows of a whole one do.
        drawn = rng.integers(0, 1 << 31, (len(rows), SENTENCES - 2 + len(_FRAMES))).T
        rest, frames = drawn[: SENTENCES - 2] % count, drawn[SENTENCES - 2 :]
        told = self._told[np.stack([first, second, *rest])].tolist()
        a, b, c, d = (p[f % len(p)].tolist() for p, f in zip(_FRAMES, frames, strict=True))
        lines = zip(a, told[0], told[1], b, told[2], told[3], c, told[4], d, told[5], strict=True)
        return [" ".join(line) for line in lines]

    @cached_property
    def _told(self) -> Strings:
        return _strings(self.sentences)

    @cached_property
    def _stems(self) -> Strings:
        return _strings([_stem(each) for each in self.anchors])

    @cached_property
    def _conditions(self) -> Strings:
        short = (each for each in self.sentences if len(each.split()) <= CONDITION_WORDS)
        return _strings(list(dict.fromkeys(_stem(each) for each in short)))


Rng = np.random.Generator


@lru_cache(maxsize=2)
def wording(folder: Path) -> Wording:
    """Of the corpus in `folder`, read once in a process. RmLocalError: it cannot be."""
    return Wording(read_sentences(folder))


def labels(anchors: int, seed: int) -> list[Strings]:
    """Domain, source and level of each anchor, by their shares."""
    rng = np.random.default_rng((seed, anchors))
    return [
        _strings(names)[rng.choice(len(names), anchors, p=shares)]
        for names, shares in LABELS.values()
    ]


def _stem(sentence: str) -> str:
    """The first words, to stand inside a sentence."""
    words = sentence.rstrip(".").split()[:STEM_WORDS]
    if words[0] != "I" and words[0][1:] == words[0][1:].lower():
        words[0] = words[0].lower()
    return " ".join(words).rstrip(",;:")


def _strings(texts: Sequence[str]) -> Strings:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


_QUESTIONS = [_strings(part) for part in zip(*QUESTIONS, strict=True)]
_FRAMES = [_strings(part) for part in FRAMES]
