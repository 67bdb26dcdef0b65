"""Builds the seed store: `python -m models.seed.build [--out FILE] [--with bulk|llama]`.

Entries and their order depend only on the input: handwritten ones by file name, then those of
rm-nano's curriculum.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.nano import curriculum
from models.seed.checks import find_entry_faults, find_near_duplicates
from models.seed.handwritten import read_handwritten_entries
from rm_local import paths
from rm_local.embed import (
    MINILM,
    PROBES,
    PROBES_SHA256,
    find_minilm_gguf,
    read_minilm_vocabulary_words,
)
from rm_local.errors import RmLocalError
from rm_local.records import Entry
from rm_local.store import Store, measure_unrelated_similarity_spread


def list_seed_entries() -> list[Entry]:
    """Return all entries of the seed store, in order: handwritten ones, then rm-nano's."""
    return [*read_handwritten_entries(), *curriculum.list_curriculum_entries()]


def build_seed_store(
    path: Path,
    entries: Sequence[Entry],
    vectors: NDArray[np.float32],
    probes: NDArray[np.float32],
) -> None:
    """Write a store of `entries` to a temporary file, then move it to `path`.

    `vectors` is an array (n, 384) of the embedded subproblems; `probes` are the vectors of the
    gate's probe sentences.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}-", dir=path.parent) as folder:
        part = Path(folder) / path.name
        sample = [entry.subproblem + entry.subroutine for entry in entries]
        with Store.create(
            part,
            embedder=MINILM,
            dictionary_sample=sample,
            known_words=read_minilm_vocabulary_words(),
        ) as store:
            store.add_entries(entries, vectors)
            store.write_spread(measure_unrelated_similarity_spread(store, probes), PROBES_SHA256)
        os.replace(part, path)


def embed_texts_with(texts: Sequence[str], way: str) -> NDArray[np.float32]:
    """Return vectors (n, 384) by sentence-transformers (`way` = `bulk`) or llama.cpp (`llama`)."""
    if way == "llama":
        return asyncio.run(_embed_in_worker(texts))
    from rm_local.embed import embed_with_minilm

    return embed_with_minilm(texts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code: 0 built, 1 invalid entry, 3 embedder, 4 store."""
    parser = argparse.ArgumentParser(prog="python -m models.seed.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=None, help="default: the shipped store")
    parser.add_argument("--with", dest="way", choices=("bulk", "llama"), default="bulk")
    chosen = parser.parse_args(arguments)
    try:
        return _build_checked_store(chosen.out or paths.shipped_store(), chosen.way)
    except RmLocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _build_checked_store(path: Path, way: str) -> int:
    entries = list_seed_entries()
    if found := find_entry_faults(entries):
        print(*found, sep="\n", file=sys.stderr)
        return 1
    vectors = embed_texts_with([entry.subproblem for entry in entries], way)
    for pair in find_near_duplicates(entries, vectors):
        print(
            f"nearly the same ({pair.similarity:.3f}): {pair.one.source} {pair.one.subproblem!r}"
            f" and {pair.other.source} {pair.other.subproblem!r}",
            file=sys.stderr,
        )
    build_seed_store(path, entries, vectors, embed_texts_with(PROBES, way))
    _print_counts(path, entries)
    return 0


def _print_counts(path: Path, entries: Sequence[Entry]) -> None:
    size = path.stat().st_size
    for kind, count in sorted(Counter(e.source.split("/")[0] for e in entries).items()):
        print(f"{kind}: {count} entries")
    for domain, count in sorted(Counter(entry.domain for entry in entries).items()):
        print(f"  {domain}: {count}")
    print(f"{path}: {len(entries)} entries, {size:,} bytes, {size / len(entries):,.0f} an entry")


async def _embed_in_worker(texts: Sequence[str]) -> NDArray[np.float32]:
    from rm_local.engine import Engine

    async with Engine(log=paths.worker_log()) as engine:
        await engine.load_embedder(find_minilm_gguf())
        return await engine.embed(texts)


if __name__ == "__main__":
    raise SystemExit(main())
