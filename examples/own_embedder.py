"""A store whose vectors come from an embedder of your own, and a retriever over it.

The embedder here hashes character trigrams. A real one would be a model; what matters is that a
store names its embedder (name, dimension, hash of its weights) and refuses any other.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local import EmbedderId, Entry, Store
from rm_local.loop import StoreRetriever

ENTRIES = [
    Entry("How to reverse a linked list?", "I should walk it once and turn each pointer."),
    Entry("How to detect a cycle in a linked list?", "I should use two pointers, one faster."),
    Entry("How to balance a chemical equation?", "I should count each element on both sides."),
]


class TrigramEmbedder:
    """Counts character trigrams, hashed to 256 components; satisfies `QueryEmbedder`."""

    id = EmbedderId("trigrams", 256, hashlib.sha256(b"trigrams, version 1").hexdigest())

    def embed_all(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`: (n, 256), rows of length 1."""
        rows = np.zeros((len(texts), self.id.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            padded = f"  {text.lower()} "
            for start in range(len(padded) - 2):
                digest = hashlib.blake2b(padded[start : start + 3].encode(), digest_size=2)
                row[int.from_bytes(digest.digest(), "little") % len(row)] += 1
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same, as a retriever asks for it."""
        return await asyncio.to_thread(self.embed_all, texts)


async def main(folder: Path) -> None:
    """Build the store, then retrieve the best entries for a subproblem."""
    embedder = TrigramEmbedder()
    with Store.create(folder / "lists.rms", embedder=embedder.id) as store:
        store.add_entries(ENTRIES, embedder.embed_all([entry.subproblem for entry in ENTRIES]))
        retriever = StoreRetriever(embedder, store)
        subproblem = "How do I find a cycle in a list?"
        for hit in await retriever.search(subproblem, k=2, min_similarity=0.3):
            print(f"{hit.similarity:.2f}  {hit.entry.subproblem}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(Path(made)))
