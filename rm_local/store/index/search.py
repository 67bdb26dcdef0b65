"""Searches a store: finds candidates by sign bits and by rare words, ranks them, selects hits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.records import Entry, Hit
from rm_local.store.codec.code_frames import RankingCodePacker
from rm_local.store.codec.quantize import Quantizer, Steps, compute_inner_products, pack_signs
from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.index import ivf
from rm_local.store.index.centroids import Centroids, read_centroids
from rm_local.store.index.rare_words import LexicalMatches, UnknownWordFinder, find_lexical_matches
from rm_local.store.index.select_hits import CandidateScores, select_hit_positions
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import StoreMeta, read_packed_known_words
from rm_local.store.sqlite.reader_pool import ReaderPool
from rm_local.store.sqlite.vec0 import CODES, read_compression_dictionary

if TYPE_CHECKING:
    import apsw


SCANNED_ROWS = 2000
"""Maximum number of entries of a store in which a query is compared with all ranking codes; in a
larger one only with those of candidates, found by sign bits."""

SHORTLISTED = 5
"""Rows found by the Hamming distance of their sign bits, for each candidate chosen among them by
`SignBitCandidates.rank_ids`."""

READ_PIECES = 2
"""Number of pieces in which the candidates' ranking codes are read: one per reader."""

SLACK = 1.5
"""Clusters more than 1 + SLACK times as far from the query as the nearest are not scanned. A
smaller value costs recall for queries close to a centroid."""

FILTERED_GROWTH = 4
"""Factor on the number of scanned clusters when a filtered search has found too few rows."""


@dataclass(frozen=True, slots=True)
class ScoredEntryId:
    """Id, cosine and share of rare words of an entry that a search has found."""

    id: int
    similarity: float
    lexical: float
    words: tuple[str, ...] = ()
    """The rare words of the query that count for `lexical` in any entry; () if this has none."""


class Searcher:
    """Searcher of one open store: finds ids and scores of entries, without their texts.

    For one search at a time, which can use two threads.
    """

    def __init__(self, connection: apsw.Connection, readers: ReaderPool, meta: StoreMeta) -> None:
        self._connection = connection
        self._readers = readers
        self.params = meta.search_params
        """Numbers of scanned clusters and of candidates; can be replaced between searches."""
        self._dimension = meta.embedder.dimension
        self._quantizer = Quantizer(meta.embedder.dimension, meta.step, meta.mean, meta.rotation)
        self._packer = RankingCodePacker(
            meta.embedder.dimension, read_compression_dictionary(connection, CODES)
        )
        self._rare: UnknownWordFinder | None = None
        self._centroids: Centroids | None = None

    @property
    def quantizer(self) -> Quantizer:
        """The quantizer for this store's vectors."""
        return self._quantizer

    @property
    def packer(self) -> RankingCodePacker:
        """The compressor of this store's ranking codes."""
        return self._packer

    @property
    def unknown_word_finder(self) -> UnknownWordFinder:
        """The finder of words unknown to this store's embedder; made on first use."""
        if self._rare is None:
            self._rare = UnknownWordFinder(unpack_words(read_packed_known_words(self._connection)))
        return self._rare

    @property
    def centroids(self) -> Centroids:
        """The centroids of this store's clusters, read on first use and kept in memory."""
        if self._centroids is None:
            self._centroids = read_centroids(self._connection, self._dimension)
        return self._centroids

    def forget_centroids(self) -> None:
        """Drop the centroids kept in memory; their next use reads them again."""
        self._centroids = None

    def search(self, request: SearchRequest) -> list[ScoredEntryId]:
        """Find the entries for `request`, by descending score, then by id.

        The vector of `request` must have length 1.
        """
        size = tables.count_entries(self._connection)
        matches = (
            find_lexical_matches(self._connection, request.text, size, self.unknown_word_finder)
            if request.text
            else LexicalMatches({}, ())
        )
        shares = matches.shares
        candidates: Ids | None = None
        if size > SCANNED_ROWS:
            with_words = np.fromiter(shares, np.int64)
            candidates = np.union1d(self.find_candidates(request), with_words)
        ids, steps = self._read_and_unpack_ranking_codes(candidates, request.filter)
        similarity = self._quantizer.compute_cosines(steps, request.vector)
        lexical = np.zeros(len(ids))
        if shares:
            lexical[:] = [shares.get(each, 0.0) for each in ids.tolist()]
        chosen = select_hit_positions(
            request,
            CandidateScores(ids, similarity, lexical),
            lambda places: self._quantizer.decode_to_unit_vectors(steps[places]),
        )
        return [
            ScoredEntryId(
                int(ids[place]),
                float(similarity[place]),
                float(lexical[place]),
                matches.words if lexical[place] else (),
            )
            for place in chosen
        ]

    def build_hit(self, ranked: ScoredEntryId, entry: Entry, store: str = "") -> Hit:
        """Build the hit of a ranked entry, whose texts are `entry`, in the store of this name."""
        words = (
            self.unknown_word_finder.select_words_in_text(ranked.words, entry.subproblem)
            if ranked.words
            else ()
        )
        return Hit(entry, ranked.similarity, ranked.lexical, store, words)

    def read_vectors(self, ids: Collection[int]) -> dict[int, Floats]:
        """Return the vectors, of length 1, of the existing entries among `ids`, by id."""
        found, codes = tables.read_ranking_codes(self._connection, np.fromiter(ids, np.int64))
        vectors = self._quantizer.decode_to_unit_vectors(self._packer.unpack_frames(codes))
        return dict(zip(found.tolist(), vectors, strict=True))

    def find_candidates(self, request: SearchRequest) -> Ids:
        """Return the ids of the entries nearest to the query by sign bits, nearest first: (n,).

        Clusters and pending entries are scanned; the filter and the breadth of `request` apply.
        """
        rotated = self._quantizer.center_and_rotate_rows(request.vector[np.newaxis])
        bits = pack_signs(rotated)[0].tobytes()
        wanted = max(
            round(self.params.candidates * request.breadth), 8 * _compute_pool_size(request)
        )
        if not len(self.centroids):
            return ivf.scan_all_sign_bits(self._connection, bits, wanted, request.filter)
        scan = self._find_nearest_filtered if request.filter else self._find_nearest_unfiltered
        return scan(request, bits, SHORTLISTED * wanted).rank_ids(rotated[0])[:wanted]

    def _find_nearest_unfiltered(
        self, request: SearchRequest, bits: bytes, wanted: int
    ) -> ivf.SignBitCandidates:
        """Find the `wanted` rows nearest by sign bits, in the nearest clusters or still pending."""
        slack = SLACK * max(request.breadth, 1)
        similarity = self.centroids.compute_similarities_skipping_far(request.vector)
        clusters = ivf.select_clusters(similarity, self._scale_nprobe(request), slack)
        found = ivf.scan_clusters(self._readers, bits, wanted, clusters)
        return self._merge_pending(found, request, bits, wanted)

    def _find_nearest_filtered(
        self, request: SearchRequest, bits: bytes, wanted: int
    ) -> ivf.SignBitCandidates:
        """Find the `wanted` rows nearest by sign bits that pass the filter.

        The number of scanned clusters grows until enough rows pass, or all clusters are scanned.
        """
        similarity = compute_inner_products(self.centroids.rows, request.vector)
        labels = tables.find_matching_labels(self._connection, request.filter)
        nprobe = self._scale_nprobe(request)
        while True:
            clusters = ivf.select_clusters(similarity, nprobe, np.inf)
            found = ivf.scan_clusters(self._readers, bits, wanted, clusters, labels)
            found = self._merge_pending(found, request, bits, wanted)
            if len(found.keys) >= 8 * _compute_pool_size(request) or nprobe >= len(self.centroids):
                return found
            nprobe *= FILTERED_GROWTH

    def _scale_nprobe(self, request: SearchRequest) -> int:
        """Return the number of clusters to scan: nprobe of the store times breadth, at least 1."""
        return max(round(self.params.nprobe * request.breadth), 1)

    def _merge_pending(
        self, found: ivf.SignBitCandidates, request: SearchRequest, bits: bytes, wanted: int
    ) -> ivf.SignBitCandidates:
        """Return the `wanted` nearest of `found` and the pending entries that pass the filter."""
        full = len(found.keys) >= wanted
        limit = int(found.keys[-1] >> ivf.ID_BITS) if full else 8 * len(bits)
        pending = ivf.scan_pending_within_distance(self._connection, bits, limit, request.filter)
        if not len(pending.keys):
            return found
        return ivf.SignBitCandidates.merge_nearest([found, pending], wanted)

    def _read_and_unpack_ranking_codes(
        self, candidates: Ids | None, filter: EntryFilter
    ) -> tuple[Ids, Steps]:
        """Return the ids of those candidates that pass the filter, and the ranking code of each.

        `candidates` are ids; None: all entries. The codes are decompressed: an int8 array (n, d).
        """

        def read_piece(connection: apsw.Connection, ids: Ids | None) -> tuple[Ids, Steps]:
            found, codes = tables.read_ranking_codes(connection, ids, filter)
            return found, self._packer.unpack_frames(codes)

        pieces = [None] if candidates is None else np.array_split(candidates, READ_PIECES)
        ids, steps = zip(
            *self._readers.map_pieces(read_piece, pieces, lambda found: found), strict=True
        )
        return np.concatenate(ids), np.concatenate(steps)


def _compute_pool_size(request: SearchRequest) -> int:
    """Return the number of best entries that the thresholds of `request` choose among."""
    return max(request.pool, request.k)
