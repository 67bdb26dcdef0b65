"""The sentences that a made-up corpus is composed of, kept in the cache as one file.

A corpus is a folder, `cache_dir()/corpus/HASH`, named after the sentences in it:

- `sentences.txt`: one a line, in the order of their own hashes, so that any first part of them is
  an even choice;
- `anchors/`: embeddings of some of them, once they are asked for
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
from rm_local.folders import find_cache
from rm_local.progress import Progress, ProgressCallback

SENTENCES = "sentences.txt"
FEWEST = 200
"""Sentences of which a corpus can be made."""


def load_corpus(limit: int | None = None, *, report: ProgressCallback) -> Path:
    """The folder of the corpus of `limit` sentences (all, when None) of what is installed.

    Made on the first call. UsageError: there are too few.
    """
    parent = _find_parent(report)
    chosen = sorted(_installed_sentences(parent, report), key=_hash)[:limit]
    return make_corpus(chosen, parent)


def make_corpus(chosen: Sequence[str], parent: Path) -> Path:
    """The folder below `parent` that holds these sentences. UsageError: there are too few."""
    if len(chosen) < FEWEST:
        message = f"{len(chosen):,} sentences are too few for a corpus."
        raise UsageError(message, f"It takes {FEWEST} at least.")
    folder = parent / _hash("\n".join(chosen))[:16]
    if not (folder / SENTENCES).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(folder / SENTENCES, "\n".join(chosen).encode())
    return folder


@lru_cache(maxsize=2)
def read_sentences(folder: Path) -> tuple[str, ...]:
    """The sentences of a corpus. RmLocalError: they cannot be read, or are others."""
    path = folder / SENTENCES
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RmLocalError(f"{path} cannot be read: {error}.", f"Remove {folder}.") from None
    if _hash(text)[:16] != folder.name:
        raise RmLocalError(f"{path} is not what was written.", f"Remove {folder} and try again.")
    return tuple(text.split("\n"))


def installed_sentences(*, report: ProgressCallback) -> tuple[str, ...]:
    """`sentences.pool()`, by path; read once for a set of packages, then from the cache."""
    return _installed_sentences(_find_parent(report), report)


def _find_parent(report: ProgressCallback) -> Path:
    """The folder of all corpora; a temporary one, which is reported, without a cache."""
    return find_cache(lambda notice: report(Progress(notice))) / "corpus"


def _installed_sentences(parent: Path, report: ProgressCallback) -> tuple[str, ...]:
    path = parent / f"installed-{_installed()[:16]}.txt"
    if not path.exists():
        report(Progress("reading the docstrings of all that is installed: a minute or two, once"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(path, "\n".join(docstrings.pool()).encode())
    return tuple(path.read_text("utf-8").split("\n"))


def _installed() -> str:
    """Tells one set of Python, packages and way to read them from another."""
    names = sorted(f"{each.name}=={each.version}" for each in distributions())
    source = Path(docstrings.__file__).read_text("utf-8")
    return _hash("\n".join([sys.version, os.name, *names, source]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
