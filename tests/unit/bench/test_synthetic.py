"""The made-up corpus, over a tiny set of sentences."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.bench.corpus import docstrings
from rm_local.bench.corpus.compression_check import (
    cut_prose_to_row_lengths,
    make_stage_printer,
    measure_held_out_compression,
)
from rm_local.bench.corpus.corpus import (
    SENTENCES,
    choose_sentence_limit,
    read_and_verify_sentences,
    write_corpus_if_missing,
)
from rm_local.bench.corpus.docstrings import capitalize_and_end_sentence, extract_prose_sentences
from rm_local.bench.corpus.seed_vectors import (
    FOLDER,
    find_neighbors,
    open_anchor_embeddings,
    write_anchor_files_if_missing,
)
from rm_local.bench.corpus.synthetic import BLOCK_ROWS, SyntheticSource
from rm_local.bench.corpus.texts import load_text_composer
from rm_local.errors import RmLocalError, UsageError
from rm_local.progress import Progress
from tests.support.corpora import DIMENSION, TinyEmbedder, embed, tiny_corpus, tiny_sentences

ROWS = 2 * BLOCK_ROWS + 100


@pytest.fixture
def source(tmp_path: Path) -> SyntheticSource:
    """Two blocks and a bit."""
    return SyntheticSource(ROWS, 5, tiny_corpus(tmp_path))


def test_blocks_hold_all_rows(source: SyntheticSource) -> None:
    """Entries and vectors of length 1 for each row; the last block is shorter."""
    blocks = [source.read_block(number) for number in range(source.blocks)]
    assert [len(entries) for entries, _ in blocks] == [BLOCK_ROWS, BLOCK_ROWS, 100]
    for entries, vectors in blocks:
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(entries), DIMENSION)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_block_depends_on_seed_and_number_alone(source: SyntheticSource) -> None:
    """It is the same alone, after others, and in another process; another seed gives others."""
    entries, vectors = source.read_block(1)
    source.read_block(0)
    again = pickle.loads(pickle.dumps(source))
    assert again.make_block_entries(1) == entries
    assert np.array_equal(again.make_vectors(1), vectors)
    other = SyntheticSource(ROWS, 6, source.folder)
    assert other.make_block_entries(1) != entries
    assert not np.array_equal(other.make_vectors(1), vectors)
    assert other.fingerprint != source.fingerprint


def test_fewer_rows_are_the_first_of_more(source: SyntheticSource) -> None:
    """The number of rows cuts the corpus and changes nothing in it."""
    short = SyntheticSource(1000, source.seed, source.folder)
    assert short.make_block_entries(0) == source.make_block_entries(0)[:1000]
    assert np.array_equal(short.make_vectors(0), source.make_vectors(0)[:1000])


def test_entries_are_distinct_from_one_another(source: SyntheticSource) -> None:
    """No subproblem and no subroutine comes twice."""
    entries = [
        entry for number in range(source.blocks) for entry in source.make_block_entries(number)
    ]
    assert len({entry.subroutine for entry in entries}) == ROWS
    assert len({(entry.subproblem, entry.subroutine) for entry in entries}) == ROWS


def test_a_row_is_near_its_anchor_and_about_it(source: SyntheticSource) -> None:
    """Its own anchor is the nearest for nearly all rows, and its words are in the subproblem."""
    anchors = open_anchor_embeddings(source.folder)
    topics = source.list_row_anchors(0)
    entries, vectors = source.read_block(0)
    found = np.argmax(vectors @ anchors.vectors.T, axis=1)
    assert (found == topics).mean() > 0.9
    named = load_text_composer(source.folder).anchor_sentences
    for entry, topic in zip(entries[:50], topics[:50].tolist(), strict=True):
        assert named[topic].split()[1] in entry.subproblem.split()


def test_anchors_are_chosen_evenly(source: SyntheticSource) -> None:
    """No anchor has more than one turn more than another."""
    counts = np.bincount(np.concatenate([source.list_row_anchors(number) for number in range(2)]))
    assert counts.max() - counts.min() <= 32


def test_queries_are_held_out_or_alike(source: SyntheticSource) -> None:
    """Real ones are the vectors of held-out sentences; those alike are no rows."""
    texts = load_text_composer(source.folder)
    assert not set(texts.held_out_sentences) & set(texts.anchor_sentences)
    assert np.allclose(source.make_queries("real", 8), embed(texts.held_out_sentences))
    alike = source.make_queries("alike", 20)
    assert alike.shape == (20, DIMENSION)
    assert (alike @ source.make_vectors(0).T).max() < 0.9999
    with pytest.raises(UsageError, match="held out"):
        source.make_queries("real", 9)


def test_the_nearest_neighbors_are_exact() -> None:
    """The nearest others of each row, nearest first, as a plain sort finds them."""
    vectors = embed(tiny_sentences(300))
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -2)
    expected = np.argsort(-scores, axis=1)[:, :5]
    assert np.array_equal(find_neighbors(vectors, 5, lambda _: None), expected)


def test_a_stopped_embedding_leaves_nothing(tmp_path: Path) -> None:
    """What was begun is no set of anchors, and the next try makes one."""
    folder = write_corpus_if_missing(tiny_sentences(), tmp_path)
    texts = load_text_composer(folder)

    class StoppedEmbedder(TinyEmbedder):
        """Ctrl+C comes while it embeds."""

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Embed nothing."""
            raise KeyboardInterrupt

    def write_with(embedder: TinyEmbedder) -> None:
        write_anchor_files_if_missing(
            folder, texts.anchor_sentences, texts.held_out_sentences, embedder, lambda _: None
        )

    with pytest.raises(KeyboardInterrupt):
        write_with(StoppedEmbedder(DIMENSION))
    with pytest.raises(RmLocalError, match="no embeddings"):
        open_anchor_embeddings(folder)
    write_with(TinyEmbedder(DIMENSION))
    assert open_anchor_embeddings(folder).vectors.shape == (len(texts.anchor_sentences), DIMENSION)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    """A cut file of vectors and changed sentences are errors that say what to remove."""
    folder = tiny_corpus(tmp_path)
    near = folder / FOLDER / "near.npy"
    near.write_bytes(near.read_bytes()[:500])
    with pytest.raises(RmLocalError, match="Remove"):
        open_anchor_embeddings(folder)
    (folder / SENTENCES).write_text("Others.")
    read_and_verify_sentences.cache_clear()
    with pytest.raises(RmLocalError, match="was changed"):
        read_and_verify_sentences(folder)


def test_too_few_sentences_are_refused(tmp_path: Path) -> None:
    """Nothing is made of them."""
    with pytest.raises(UsageError, match="too few"):
        write_corpus_if_missing(tiny_sentences(10), tmp_path)


def test_sentences_of_a_docstring_are_extracted() -> None:
    """Prose is kept, code and parameters are not; a tidy one has a capital and a stop."""
    found = extract_prose_sentences(
        "Sort the given list in place. It is stable.\n\n>>> sort([2, 1])\n[1, 2]"
    )
    assert found == ("Sort the given list in place.",)
    assert capitalize_and_end_sentence("sort the list:") == "Sort the list."


def test_prose_is_cut_to_the_same_lengths() -> None:
    """Rows of real prose have as many words as those they are compared with."""
    rows = list(
        cut_prose_to_row_lengths(
            ["One two three.", "Four five six seven."], [("a b", "c d e"), ("f", "g")]
        )
    )
    assert rows == [("One two", "three. Four five"), ("six", "seven.")]
    size = measure_held_out_compression(
        [("how is it", f"it is number {place} of them") for place in range(1024)], 3
    )
    assert size.words == 512 * 9
    assert size.packed < size.raw


@pytest.mark.parametrize(
    ("rows", "count"), [(1, 500), (20, 500), (1000, 1000), (99_999, 99_999), (100_000, None)]
)
def test_a_small_corpus_needs_few_sentences(rows: int, count: int | None) -> None:
    """As many as rows, and all from the size that is documented."""
    assert choose_sentence_limit(rows) == count


@pytest.mark.parametrize("count", [200, 500])
def test_a_sample_reads_no_more_files_than_it_needs(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few sentences of a file each; the same again, and with progress by sentences."""
    read: list[Path] = []
    parse = docstrings._parse_documented_objects_if_valid

    def parse_file(path: Path) -> Iterator[docstrings.DocumentedObject]:
        read.append(path)
        return parse(path)

    monkeypatch.setattr(docstrings, "_parse_documented_objects_if_valid", parse_file)
    reports: list[Progress] = []

    sample = docstrings.sample_docstring_sentences(count, reports.append)

    assert count <= len(sample) < count + docstrings.FILE_SENTENCES
    assert len(set(sample)) == len(sample)
    assert len(read) < count
    assert (reports[-1].done, reports[-1].total) == (count, count)
    assert sample == docstrings.sample_docstring_sentences(count)


def test_sampled_sentences_make_distinct_entries(tmp_path: Path) -> None:
    """In the smallest corpus, as `store generate` makes it."""
    folder = write_corpus_if_missing(docstrings.sample_docstring_sentences(500), tmp_path)
    entries = SyntheticSource(1000, 0, folder).make_block_entries(0)

    assert len({entry.subproblem for entry in entries}) == 1000
    assert len({entry.subroutine for entry in entries}) == 1000


def test_the_check_prints_a_stage_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress is reported thousands of times."""
    print_stage = make_stage_printer()
    for stage, done in (("read", 0), ("read", 1), ("embed", 0), ("embed", 9), ("read", 0)):
        print_stage(Progress(stage, done))

    assert capsys.readouterr().err == "read\nembed\nread\n"
