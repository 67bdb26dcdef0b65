"""Does zstandard do better on made-up entries than on real prose?

Run `python -m rm_local.bench.corpus.compression_check`.

Both are rows of the same lengths, packed as the store packs them: 16 rows on one topic in a frame,
with a dictionary trained on other rows of the same kind. Real prose is the docstrings' sentences
one after the other, so that its neighbouring rows are on one topic too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from rm_local.bench.corpus.corpus import installed_sentences, load_corpus
from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.progress import Progress
from rm_local.store import TextCodec, join_texts, train_dictionary

LEVELS = (3, 12)
ROWS = 16_384
RUN = 512
"""Rows in turn for the dictionary and for measuring: enough that few frames see a neighbour."""
FRAME_ROWS = 16

Pair = tuple[str, str]


class Packed(NamedTuple):
    """What texts come to."""

    words: int
    raw: int
    """Bytes."""
    packed: int
    """Bytes."""


def packed(rows: Sequence[Pair], level: int) -> Packed:
    """Every second run of `rows`, packed with a dictionary out of the others."""
    runs = [rows[start : start + RUN] for start in range(0, len(rows), RUN)]
    learnt = [f"{a} {b}" for run in runs[::2] for a, b in run]
    codec = TextCodec(train_dictionary(learnt), level)
    words = raw = size = 0
    for run in runs[1::2]:
        for start in range(0, len(run), FRAME_ROWS):
            frame = run[start : start + FRAME_ROWS]
            bare = [join_texts(*each) for each in frame]
            words += sum(len(f"{a} {b}".split()) for a, b in frame)
            raw += sum(map(len, bare))
            size += len(codec.pack_rows(bare))
    return Packed(words, raw, size)


def made_up(source: SyntheticSource, rows: int) -> list[Pair]:
    """Rows of the source, those about one anchor together: as alike as neighbours ever are."""
    found: list[tuple[int, str, str]] = []
    for number in range(-(-rows // source.block_rows)):
        topics = source.topics(number).tolist()
        entries = source.entries(number)
        found += [(t, e.subproblem, e.subroutine) for t, e in zip(topics, entries, strict=True)]
    return [(a, b) for _, a, b in sorted(found, key=lambda each: each[0])][:rows]


def real(sentences: Sequence[str], like: Sequence[Pair]) -> Iterator[Pair]:
    """The sentences' words, cut into rows as long as `like`'s, as far as they reach."""
    words = (word for sentence in sentences for word in sentence.split())
    for pair in like:
        key, value = (" ".join(islice(words, len(text.split()))) for text in pair)
        if not value:
            return
        yield key, value


def main() -> None:
    """Print bytes a word and ratios for both."""

    def report(progress: Progress) -> None:
        print(progress.stage, file=sys.stderr)

    source = SyntheticSource(ROWS, 0, load_corpus(report=report))
    composed = made_up(source, ROWS)
    prose = list(real(installed_sentences(report=report), composed))
    lengths = [len(f"{a} {b}".split()) for a, b in composed]
    print(f"{len(composed):,} made-up rows, {len(prose):,} of real prose,", end=" ")
    print(f"{np.mean(lengths):.0f} words a row")
    print(f"{'level':>5}  {'':<10}{'bytes/word':>11}{'ratio':>7}{'packed bytes/word':>19}")
    for level in LEVELS:
        both = packed(composed, level), packed(prose, level)
        for name, each in zip(("made up", "real prose"), both, strict=True):
            print(f"{level:>5}  {name:<10}{each.raw / each.words:>11.2f}", end="")
            print(f"{each.raw / each.packed:>7.2f}{each.packed / each.words:>19.3f}")
        share = both[0].packed / both[0].words / (both[1].packed / both[1].words)
        print(f"{level:>5}  made up takes {share:.2f} of what real prose takes")


if __name__ == "__main__":
    main()
