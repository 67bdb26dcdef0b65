"""The sentences of a synthetic corpus, kept in the cache as one file.

A corpus is a folder, `cache_dir()/corpus/HASH`, named after the sentences in it:

- `sentences.txt`: one per line, ordered by their hashes, so that any prefix is an unbiased sample;
- `anchors/`: embeddings of some of the sentences, made when first needed
  (`rm_local.bench.corpus.seed_vectors`).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path

from rm_local.bench.corpus import docstrings
from rm_local.errors import RmLocalError, UsageError
from rm_local.files import write_bytes_atomically
from rm_local.folders import get_cache_folder_or_make_temporary
from rm_local.progress import Progress, ProgressCallback

SENTENCES = "sentences.txt"
MIN_SENTENCES = 200
"""Minimum number of sentences of a corpus; fewer are an error."""
SAMPLED_SENTENCES = 500
"""Smallest number of sentences that is chosen for a small corpus. With fewer, too few of them are
short enough to make the subproblems distinct."""
ALL_SENTENCES_ROWS = 100_000
"""Number of rows from which all sentences are used, as in docs/measurements/bench.md."""


def choose_sentence_limit(rows: int) -> int | None:
    """Choose the approximate number of sentences for a corpus of `rows` entries; None: all.

    A small corpus needs few of them, and to read and embed all of them takes minutes.
    """
    return None if rows >= ALL_SENTENCES_ROWS else max(SAMPLED_SENTENCES, rows)


def find_or_write_docstring_corpus(limit: int | None = None, *, report: ProgressCallback) -> Path:
    """Return the folder of a corpus of `limit` docstring sentences of the installed packages.

    None takes all sentences. The folder is in the cache; the first call writes it.

    Raises:
        UsageError: There are too few sentences.
    """
    parent = _get_corpora_folder_or_make_temporary(report)
    sentences = _load_or_collect_and_cache_sentences(parent, limit, report)
    return write_corpus_if_missing(sorted(sentences, key=_hash_text)[:limit], parent)


def write_corpus_if_missing(chosen: Sequence[str], parent: Path) -> Path:
    """Return the folder below `parent` of the corpus of these sentences; write it if missing.

    Raises:
        UsageError: There are too few sentences.
    """
    if len(chosen) < MIN_SENTENCES:
        message = f"{len(chosen):,} sentences are too few for a corpus."
        raise UsageError(message, f"Use at least {MIN_SENTENCES}.")
    folder = parent / _hash_text("\n".join(chosen))[:16]
    if not (folder / SENTENCES).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(folder / SENTENCES, "\n".join(chosen).encode())
    return folder


@lru_cache(maxsize=2)
def read_and_verify_sentences(folder: Path) -> tuple[str, ...]:
    """Return the sentences of the corpus in `folder`, cached in the process.

    Raises:
        RmLocalError: The file cannot be read, or was changed after it was written.
    """
    path = folder / SENTENCES
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RmLocalError(f"{path} cannot be read: {error}.", f"Remove {folder}.") from None
    if _hash_text(text)[:16] != folder.name:
        raise RmLocalError(
            f"{path} was changed after it was written.", f"Remove {folder} and try again."
        )
    return tuple(text.split("\n"))


def load_or_collect_and_cache_docstring_sentences(*, report: ProgressCallback) -> tuple[str, ...]:
    """Return the sentences of all installed docstrings.

    They come from a cached file unless packages have changed.
    """
    return _load_or_collect_and_cache_sentences(
        _get_corpora_folder_or_make_temporary(report), None, report
    )


def _get_corpora_folder_or_make_temporary(report: ProgressCallback) -> Path:
    """Return the folder of all corpora in the cache, or a temporary one, which is reported."""
    return get_cache_folder_or_make_temporary(lambda notice: report(Progress(notice))) / "corpus"


def _load_or_collect_and_cache_sentences(
    parent: Path, limit: int | None, report: ProgressCallback
) -> tuple[str, ...]:
    """Read about `limit` sentences of the installed packages, or all; they are cached in a file."""
    part = "" if limit is None else f"-{limit}"
    path = parent / f"installed-{_hash_packages_and_docstring_reader()[:16]}{part}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        read = (
            docstrings.collect_docstring_sentences(report)
            if limit is None
            else docstrings.sample_docstring_sentences(limit, report)
        )
        write_bytes_atomically(path, "\n".join(read).encode())
    return tuple(path.read_text("utf-8").split("\n"))


def _hash_packages_and_docstring_reader() -> str:
    """Hash the versions of Python and of all packages, and the source of the docstring reader."""
    names = sorted(f"{each.name}=={each.version}" for each in distributions())
    source = Path(docstrings.__file__).read_text("utf-8")
    return _hash_text("\n".join([sys.version, os.name, *names, source]))


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
