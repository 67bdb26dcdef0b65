"""A search: two legs find candidates, the ranking codes and the rare words order them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rm_local.store.codec.code_frames import CodePacker
from rm_local.store.codec.quantize import Floats, Quantiser, Steps, products, signs
from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.index import ivf
from rm_local.store.index.centroids import Centroids, read_centroids
from rm_local.store.index.mmr import mmr
from rm_local.store.index.rare_words import RareWords, lexical_shares, score
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import Meta, known_words
from rm_local.store.sqlite.reader_pool import Readers
from rm_local.store.sqlite.vec0 import CODES, dictionary_of

if TYPE_CHECKING:
    import apsw

Ids = NDArray[np.int64]

SCANNED_ROWS = 2000
"""Up to so many rows all ranking codes are compared with the query, without asking the bits."""

SHORTLISTED = 5
"""Rows that both sides' bits choose for each one whose code is ranked: the query's floats choose
among them."""

READ_IN = 2
"""Pieces in which the candidates' codes are read: one for each reader."""

SLACK = 1.5
"""How much further than the nearest cluster one may be, as a share, to be asked. Less costs recall
where a query lies close to a centre."""


NAMED_GROWTH = 4
"""Times as many clusters are asked when a narrowed search has found too little."""

LEAST_POOL = 32
"""Hits from which some are chosen that do not repeat one another."""


@dataclass(frozen=True, slots=True)
class Query:
    """What one search asks."""

    unit: Floats
    """(d,), of length 1."""
    text: str = ""
    """Its rare words are searched for; none when empty."""
    k: int = 10
    names: tables.Names = field(default_factory=tables.Names)
    effort: float = 1.0
    trade: float = 1.0
    """Below 1, what repeats a better hit gives way: `diversity.mmr`."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entry that was found, without its texts."""

    id: int
    similarity: float
    lexical: float


class Searcher:
    """Searches one open store. One search at a time; a search itself may use two threads."""

    def __init__(self, connection: apsw.Connection, readers: Readers, meta: Meta) -> None:
        self._connection = connection
        self._readers = readers
        self.dial = meta.dial
        """How much a search asks; may be set anew between two."""
        self._dimension = meta.embedder.dimension
        self._quantiser = Quantiser(meta.embedder.dimension, meta.step, meta.mean, meta.rotation)
        self._packer = CodePacker(meta.embedder.dimension, dictionary_of(connection, CODES))
        self._rare: RareWords | None = None
        self._centroids: Centroids | None = None

    @property
    def quantiser(self) -> Quantiser:
        """How vectors become codes in this store."""
        return self._quantiser

    @property
    def packer(self) -> CodePacker:
        """How ranking codes lie in this store."""
        return self._packer

    @property
    def rare(self) -> RareWords:
        """Which words this store searches for; read when the first text is."""
        if self._rare is None:
            self._rare = RareWords(unpack_words(known_words(self._connection)))
        return self._rare

    @property
    def centroids(self) -> Centroids:
        """The cluster centroids; read when they are first asked for."""
        if self._centroids is None:
            self._centroids = read_centroids(self._connection, self._dimension)
        return self._centroids

    def forget_centroids(self) -> None:
        """Another connection has changed them."""
        self._centroids = None

    def search(self, query: Query) -> list[Ranked]:
        """The `k` best entries, best first, by `lexical.score`, then by id."""
        size = tables.count(self._connection)
        shares = lexical_shares(self._connection, query.text, size, self.rare) if query.text else {}
        candidates: Ids | None = None
        if size > SCANNED_ROWS:
            worded = np.fromiter(shares, np.int64)
            candidates = np.union1d(self.near(query), worded)
        ids, steps = self._steps(candidates, query.names)
        if query.trade == 1:
            return self._ranked(query, ids, steps, shares, query.k)
        pool = self._ranked(query, ids, steps, shares, max(LEAST_POOL, 4 * query.k))
        return self._thinned(pool, query) if pool else []

    def vectors(self, ids: Collection[int]) -> dict[int, Floats]:
        """The stored vectors, (d,), of length 1, of those of `ids` that are entries."""
        found, codes = tables.codes(self._connection, np.fromiter(ids, np.int64))
        vectors = self._quantiser.floats(self._packer.unpack_all(codes))
        return dict(zip(found.tolist(), vectors, strict=True))

    def near(self, query: Query) -> Ids:
        """Ids of the rows that the bits hold to be nearest, nearest first."""
        turned = self._quantiser.turned(query.unit[np.newaxis])
        bits = signs(turned)[0].tobytes()
        wanted = max(round(self.dial.candidates * query.effort), 8 * query.k)
        if not len(self.centroids):
            return ivf.near(self._connection, bits, wanted, query.names)
        among = self._near_named if query.names.condition else self._near
        return among(query, bits, SHORTLISTED * wanted).ranked(turned[0])[:wanted]

    def _near(self, query: Query, bits: bytes, wanted: int) -> ivf.Found:
        """The `wanted` rows whose bits differ least, in the nearest clusters and of fresh ones."""
        slack = SLACK * max(query.effort, 1)
        similarity = self.centroids.similarities(query.unit)
        clusters = ivf.clusters_to_ask(similarity, self._probes(query), slack)
        found = ivf.near_within(self._readers, bits, wanted, clusters)
        return self._with_fresh(found, query, bits, wanted)

    def _near_named(self, query: Query, bits: bytes, wanted: int) -> ivf.Found:
        """The same of a narrowed search: the rarer the name, the more clusters it asks."""
        similarity = products(self.centroids.rows, query.unit)
        labels = tables.named(self._connection, query.names)
        probes = self._probes(query)
        while True:
            clusters = ivf.clusters_to_ask(similarity, probes, np.inf)
            found = ivf.near_within(self._readers, bits, wanted, clusters, labels)
            found = self._with_fresh(found, query, bits, wanted)
            if len(found.keys) >= 8 * query.k or probes >= len(self.centroids):
                return found
            probes *= NAMED_GROWTH

    def _probes(self, query: Query) -> int:
        return max(round(self.dial.probes * query.effort), 1)

    def _with_fresh(self, found: ivf.Found, query: Query, bits: bytes, wanted: int) -> ivf.Found:
        """The `wanted` nearest of `found` and of fresh entries."""
        full = len(found.keys) >= wanted
        limit = int(found.keys[-1] >> ivf.ID_BITS) if full else 8 * len(bits)
        fresh = ivf.fresh_within(self._connection, bits, limit, query.names)
        return ivf.Found.nearest([found, fresh], wanted) if len(fresh.keys) else found

    def _steps(self, candidates: Ids | None, names: tables.Names) -> tuple[Ids, Steps]:
        """Ids, (n,), and ranking codes, (n, d), of the candidates, None for all, of these names."""

        def read(connection: apsw.Connection, ids: Ids | None) -> tuple[Ids, Steps]:
            found, codes = tables.codes(connection, ids, names)
            return found, self._packer.unpack_all(codes)

        pieces = [None] if candidates is None else np.array_split(candidates, READ_IN)
        ids, steps = zip(*self._readers.share(read, pieces, lambda found: found), strict=True)
        return np.concatenate(ids), np.concatenate(steps)

    def _thinned(self, ranked: list[Ranked], query: Query) -> list[Ranked]:
        """Those that repeat no better one, at most `k`, in the order in which they stand."""
        held = self.vectors([hit.id for hit in ranked])
        vectors = np.array([held[hit.id] for hit in ranked], np.float32)
        scores = np.array([score(hit.similarity, hit.lexical) for hit in ranked])
        return [ranked[row] for row in sorted(mmr(vectors, scores, query.k, query.trade))]

    def _ranked(
        self,
        query: Query,
        ids: Ids,
        steps: Steps,
        shares: dict[int, float],
        k: int,
    ) -> list[Ranked]:
        """The `k` best of the rows found, (n,), by their ranking codes, (n, d)."""
        cosines = self._quantiser.cosines(steps, query.unit)
        held = np.zeros(len(ids))
        if shares:
            held[:] = [shares.get(each, 0.0) for each in ids.tolist()]
        # Rounded, as the product's last bits depend on a row's place and would part equal rows.
        best = np.lexsort((ids, -score(cosines, held).round(6)))[: max(k, 0)]
        return [Ranked(int(ids[i]), float(cosines[i]), float(held[i])) for i in best]
