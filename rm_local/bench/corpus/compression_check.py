"""Compares zstandard's compression of synthetic entries with that of real prose.

Run `python -m rm_local.bench.corpus.compression_check`.

Entries and prose are rows of the same lengths, packed as in the store: 16 rows on one topic in a
frame, with a dictionary trained on other rows of the same kind. Real prose is the sentences of
docstrings in their order, so its neighbouring rows are on one topic too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from rm_local.bench.corpus.corpus import (
    find_or_write_docstring_corpus,
    load_or_collect_and_cache_docstring_sentences,
)
from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.progress import Progress, ProgressCallback
from rm_local.store import TextCodec, check_and_join_texts, train_text_dictionary_or_empty

LEVELS = (3, 12)
ROWS = 16_384
RUN = 512
"""Rows per run. Even runs train the dictionary, odd runs are measured. A run has whole frames."""
FRAME_ROWS = 16

Pair = tuple[str, str]


class CompressionSizes(NamedTuple):
    """Size of the measured texts before and after compression by the store's codec."""

    words: int
    raw: int
    """Bytes of the texts, uncompressed."""
    packed: int
    """Bytes of the texts, compressed."""


def measure_held_out_compression(rows: Sequence[Pair], level: int) -> CompressionSizes:
    """Compress every second run of `rows` at a zstandard `level`; return the sizes.

    The dictionary is trained on the other runs.
    """
    runs = [rows[start : start + RUN] for start in range(0, len(rows), RUN)]
    samples = [f"{a} {b}" for run in runs[::2] for a, b in run]
    codec = TextCodec(train_text_dictionary_or_empty(samples), level)
    words = raw = size = 0
    for run in runs[1::2]:
        for start in range(0, len(run), FRAME_ROWS):
            frame = run[start : start + FRAME_ROWS]
            bare = [check_and_join_texts(*each) for each in frame]
            words += sum(len(f"{a} {b}".split()) for a, b in frame)
            raw += sum(map(len, bare))
            size += len(codec.pack_rows(bare))
    return CompressionSizes(words, raw, size)


def compose_rows_sorted_by_anchor(source: SyntheticSource, rows: int) -> list[Pair]:
    """Return `rows` synthetic texts (subproblem, subroutine), sorted by anchor (main sentence).

    So neighbouring rows are very similar, as in the clusters of a store.
    """
    found: list[tuple[int, str, str]] = []
    for number in range(-(-rows // source.block_rows)):
        topics = source.list_row_anchors(number).tolist()
        entries = source.make_block_entries(number)
        found += [(t, e.subproblem, e.subroutine) for t, e in zip(topics, entries, strict=True)]
    return [(a, b) for _, a, b in sorted(found, key=lambda each: each[0])][:rows]


def cut_prose_to_row_lengths(sentences: Sequence[str], like: Sequence[Pair]) -> Iterator[Pair]:
    """Yield rows of consecutive words, each as long as the row of `like` at its place.

    Ends when there are no more words.
    """
    words = (word for sentence in sentences for word in sentence.split())
    for pair in like:
        key, value = (" ".join(islice(words, len(text.split()))) for text in pair)
        if not value:
            return
        yield key, value


def make_stage_printer() -> ProgressCallback:
    """Return a callback that prints the name of each stage once, when it begins."""
    current = ""

    def print_stage(progress: Progress) -> None:
        nonlocal current
        if progress.stage != current:
            current = progress.stage
            print(current, file=sys.stderr)

    return print_stage


def main() -> None:
    """Print bytes per word and compression ratio of synthetic entries and of real prose."""
    print_stage = make_stage_printer()
    source = SyntheticSource(ROWS, 0, find_or_write_docstring_corpus(report=print_stage))
    composed = compose_rows_sorted_by_anchor(source, ROWS)
    prose = list(
        cut_prose_to_row_lengths(
            load_or_collect_and_cache_docstring_sentences(report=print_stage), composed
        )
    )
    lengths = [len(f"{a} {b}".split()) for a, b in composed]
    print(f"{len(composed):,} made-up rows, {len(prose):,} of real prose,", end=" ")
    print(f"{np.mean(lengths):.0f} words a row")
    print(f"{'level':>5}  {'':<10}{'bytes/word':>11}{'ratio':>7}{'packed bytes/word':>19}")
    for level in LEVELS:
        both = (
            measure_held_out_compression(composed, level),
            measure_held_out_compression(prose, level),
        )
        for name, each in zip(("made up", "real prose"), both, strict=True):
            print(f"{level:>5}  {name:<10}{each.raw / each.words:>11.2f}", end="")
            print(f"{each.raw / each.packed:>7.2f}{each.packed / each.words:>19.3f}")
        share = both[0].packed / both[0].words / (both[1].packed / both[1].words)
        print(f"{level:>5}  made up takes {share:.2f} of what real prose takes")


if __name__ == "__main__":
    main()
