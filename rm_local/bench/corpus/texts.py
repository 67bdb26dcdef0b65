"""Texts of synthetic entries: short fixed phrases around sentences of real prose.

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
from rm_local.bench.corpus.corpus import read_and_verify_sentences
from rm_local.records import Entry

Strings = NDArray[Any]

HELD_OUT = 2000
HELD_OUT_SHARE = 50
"""Of a corpus with fewer than 100,000 sentences, one in 50 is held out for queries."""
MAX_ANCHORS = 100_000
STEM_WORDS = 12
CONDITION_WORDS = 6
SENTENCES = 6
"""Number of sentences in a subroutine (the procedure of an entry)."""
SPREAD_FACTOR = 7919
"""Factor that spreads row numbers; a prime, so its multiples modulo n reach all n sentences."""

PROVENANCE = "made up by `rm-local store synth` from docstrings of the installed packages"
LABELS = {
    "domain": (("code", "math", "physics", "chemistry", "law"), (0.5, 0.3, 0.14, 0.05, 0.01)),
    "source": (("synth/a", "synth/b", "synth/c", "synth/d"), (0.4, 0.3, 0.2, 0.1)),
    "level": (("school", "college", "olympiad"), (0.5, 0.4, 0.1)),
}
"""Values of each label field and their shares of the entries; rare values make filters hard."""

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
"""Alternative phrases before the first, third, fifth and sixth sentence of a subroutine.

With more of them zstandard would compress better than real prose
(`rm_local.bench.corpus.compression_check`)."""


@dataclass(frozen=True)
class EntryTextComposer:
    """Composer of entries from the sentences of one corpus, ordered by their hashes."""

    sentences: tuple[str, ...]

    @property
    def held_out_sentences(self) -> tuple[str, ...]:
        """Sentences used only as queries, disjoint from the anchor sentences."""
        return self.sentences[: min(HELD_OUT, len(self.sentences) // HELD_OUT_SHARE)]

    @cached_property
    def anchor_sentences(self) -> tuple[str, ...]:
        """Sentences for the main part of subproblems, at most 100,000, with distinct clauses."""
        rest = self.sentences[len(self.held_out_sentences) :]
        first = {_shorten_to_clause(each): each for each in reversed(rest)}
        return tuple(first.values())[::-1][:MAX_ANCHORS]

    def compose_entries(
        self, rows: Ids, anchors: Ids, turns: Ids, labels: Sequence[Strings], rng: Rng
    ) -> list[Entry]:
        """Compose the entries numbered `rows`, each about an anchor sentence.

        All arrays have a number for each entry: its row, its anchor, and in `turns` how often
        other rows used that anchor before. `labels` has the anchors' domains, sources and levels.
        Subproblems are distinct, because an anchor has another condition in each use. Subroutines
        are distinct, because their first two sentences, number r mod S and
        (r // S + k (r mod S) + 1) mod S, determine row r.
        """
        domains, sources, levels = (each[anchors].tolist() for each in labels)
        subproblems = self._compose_subproblems(anchors, turns)
        subroutines = self._compose_subroutines(rows, rng)
        fields = zip(subproblems, subroutines, domains, sources, levels, strict=True)
        return [Entry(a, b, c, d, e, PROVENANCE) for a, b, c, d, e in fields]

    def _compose_subproblems(self, anchors: Ids, turns: Ids) -> list[str]:
        place = (anchors * SPREAD_FACTOR + turns) % len(self._condition_clauses)
        parts = zip(
            *(part[turns % len(QUESTIONS)].tolist() for part in _QUESTIONS),
            self._anchor_clauses[anchors].tolist(),
            self._condition_clauses[place].tolist(),
            strict=True,
        )
        return [f"{a}{stem}{b}{condition}{c}" for a, b, c, stem, condition in parts]

    def _compose_subroutines(self, rows: Ids, rng: Rng) -> list[str]:
        count = len(self.sentences)
        first = rows % count
        second = (rows // count + first * SPREAD_FACTOR + 1) % count
        # Drawn row by row, so that a shorter block equals the first rows of a whole one.
        drawn = rng.integers(0, 1 << 31, (len(rows), SENTENCES - 2 + len(_FRAMES))).T
        rest, frames = drawn[: SENTENCES - 2] % count, drawn[SENTENCES - 2 :]
        texts = self._sentence_array[np.stack([first, second, *rest])].tolist()
        a, b, c, d = (p[f % len(p)].tolist() for p, f in zip(_FRAMES, frames, strict=True))
        lines = zip(
            a, texts[0], texts[1], b, texts[2], texts[3], c, texts[4], d, texts[5], strict=True
        )
        return [" ".join(line) for line in lines]

    @cached_property
    def _sentence_array(self) -> Strings:
        return _make_string_array(self.sentences)

    @cached_property
    def _anchor_clauses(self) -> Strings:
        return _make_string_array([_shorten_to_clause(each) for each in self.anchor_sentences])

    @cached_property
    def _condition_clauses(self) -> Strings:
        short = (each for each in self.sentences if len(each.split()) <= CONDITION_WORDS)
        return _make_string_array(list(dict.fromkeys(_shorten_to_clause(each) for each in short)))


Rng = np.random.Generator


@lru_cache(maxsize=2)
def load_text_composer(folder: Path) -> EntryTextComposer:
    """Load the sentences of the corpus in `folder` as a composer, cached in the process.

    Raises:
        RmLocalError: The sentences cannot be read.
    """
    return EntryTextComposer(read_and_verify_sentences(folder))


def draw_anchor_labels(anchors: int, seed: int) -> list[Strings]:
    """Choose labels for each anchor at random, by their shares.

    Returns three arrays of strings: domains, sources and levels.
    """
    rng = np.random.default_rng((seed, anchors))
    return [
        _make_string_array(names)[rng.choice(len(names), anchors, p=shares)]
        for names, shares in LABELS.values()
    ]


def _shorten_to_clause(sentence: str) -> str:
    """Return the first words of the sentence, in a form for the middle of another sentence."""
    words = sentence.rstrip(".").split()[:STEM_WORDS]
    if words[0] != "I" and words[0][1:] == words[0][1:].lower():
        words[0] = words[0].lower()
    return " ".join(words).rstrip(",;:")


def _make_string_array(texts: Sequence[str]) -> Strings:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


_QUESTIONS = [_make_string_array(part) for part in zip(*QUESTIONS, strict=True)]
_FRAMES = [_make_string_array(part) for part in FRAMES]
