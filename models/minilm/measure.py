"""Compare the vectors of llama.cpp and sentence-transformers: `python -m models.minilm.measure`.

200 texts: the subproblems of the seed store, then its first subroutines. Printed are the least
and the mean cosine, and texts a second of both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from models.seed.build import list_seed_entries
from rm_local.arrays import Floats
from rm_local.embed import BulkEmbedder, TextEmbedder, open_minilm_worker_embedder

TEXTS = 200


def main() -> None:
    """Embed the texts in both ways, and print how they compare."""
    entries = list_seed_entries()
    texts = [each.subproblem for each in entries] + [each.subroutine for each in entries]
    texts = texts[:TEXTS]
    with open_minilm_worker_embedder(print) as embedder:
        ours, rate = embed_timed(embedder, texts)
    published, bulk_rate = embed_timed(BulkEmbedder(), texts)
    cosines = (ours * published).sum(axis=1)
    print(f"cosine: least {cosines.min():.7f}, mean {cosines.mean():.7f}")
    print(f"texts a second: llama.cpp {rate:.0f}, sentence-transformers {bulk_rate:.0f}")


def embed_timed(embedder: TextEmbedder, texts: Sequence[str]) -> tuple[Floats, float]:
    """Embed `texts` after a first call; return the vectors, and texts a second."""
    embedder.embed(texts[:32])
    started = time.perf_counter()
    vectors = embedder.embed(texts)
    return vectors, len(texts) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
