"""Encodes entries that are added to an open store as rows of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rm_local.arrays import Floats
from rm_local.records import Entry
from rm_local.store.codec.text_blocks import TextCodec, check_and_join_texts
from rm_local.store.format import NO_CLUSTER
from rm_local.store.index import pending
from rm_local.store.index.search import Searcher
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw


def encode_rows_and_insert_labels(
    connection: apsw.Connection,
    searcher: Searcher,
    codec: TextCodec,
    entries: Sequence[Entry],
    unit_vectors: Floats,
) -> list[tables.EncodedRow]:
    """Encode entries and unit vectors (n, d) as rows for the store's tables; insert new labels.

    Few entries get no cluster yet: they are searched one by one until they are assigned.
    """
    clusters = [NO_CLUSTER] * len(entries)
    if len(entries) > pending.MAX_PENDING_BATCH:
        clusters = searcher.centroids.assign_rows(unit_vectors).tolist()
    columns = zip(
        entries,
        clusters,
        searcher.quantizer.encode_sign_bits(unit_vectors),
        searcher.packer.pack_rows(searcher.quantizer.to_int8(unit_vectors)),
        strict=True,
    )
    return [
        tables.EncodedRow(
            label=tables.find_or_add_label(connection, entry),
            cluster=cluster,
            bits=bits.tobytes(),
            code=code,
            frame=codec.pack_rows([check_and_join_texts(entry.subproblem, entry.subroutine)]),
            rare=" ".join(searcher.unknown_word_finder.find_unknown_words(entry.subproblem)),
        )
        for entry, cluster, bits, code in columns
    ]
