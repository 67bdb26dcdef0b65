"""The store: a file of entries, searched by vector and by rare words."""

from __future__ import annotations

import random
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Self

import numpy as np

from rm_local.arrays import Floats
from rm_local.errors import EmbedderMismatchError, ReadOnlyStoreError, StoreError
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.records import Entry, Hit
from rm_local.store.codec.code_frames import train_code_dictionary_on_random_vectors
from rm_local.store.codec.quantize import get_default_quantization_step
from rm_local.store.codec.text_blocks import (
    PENDING_LEVEL,
    TextCodec,
    train_text_dictionary_or_empty,
)
from rm_local.store.delete import delete_existing_entries
from rm_local.store.encode_rows import encode_rows_and_insert_labels
from rm_local.store.format import PAGE_SIZE, VERSION, EmbedderId, StoreInfo
from rm_local.store.index import pending
from rm_local.store.index.search import ScoredEntryId, Searcher
from rm_local.store.index.stopwords import STOPWORDS
from rm_local.store.request import SearchRequest
from rm_local.store.spread import UnrelatedSimilaritySpread
from rm_local.store.sqlite import connection as sqlite, entry_texts, tables, usage_counts, wal
from rm_local.store.sqlite.meta import (
    SPREAD,
    StoreMeta,
    read_intact_meta_text_or_none,
    read_meta,
    write_meta_value,
)
from rm_local.store.sqlite.open_checks import (
    check_file_not_truncated,
    check_header,
    check_vec0_layout,
    is_store_writable,
)
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction
from rm_local.store.sqlite.snapshot import StateWatch, read_store_state
from rm_local.store.sqlite.vec0 import TEXTS, create_tables_and_meta, read_compression_dictionary
from rm_local.store.verify.verify import verify_store

if TYPE_CHECKING:
    import apsw


class Store:
    """One store file, opened by `create` or `open`. Any thread can call it; calls are serialised.

    In addition to the errors that a method lists, every call can raise CorruptStoreError (the file
    is damaged) and StoreError (another program has locked it, or the disk fails), and every call
    that changes entries or counts ReadOnlyStoreError. A store that is garbage-collected while open
    causes a ResourceWarning.
    """

    _closed = True
    """Whether no file is open: before `__init__` has finished, and after `close`."""

    def __init__(
        self, connection: apsw.Connection, path: Path, meta: StoreMeta, writable: bool
    ) -> None:
        self._connection = connection
        self._path = path
        self._meta = meta
        self._writable = writable
        self._written = False
        dictionary = read_compression_dictionary(connection, TEXTS)
        self._codec, self._fresh = TextCodec(dictionary), TextCodec(dictionary, PENDING_LEVEL)
        self._readers = ReaderPool(connection, path)
        self._searcher = Searcher(connection, self._readers, meta)
        self._watch = StateWatch(connection)
        self._state = read_store_state(connection)
        self._lock = RLock()
        self._closed = False

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        embedder: EmbedderId,
        dictionary_sample: Sequence[str] = (),
        known_words: Collection[str] = STOPWORDS,
        mean: Floats | None = None,
        rotation: Floats | None = None,
    ) -> Store:
        """Create an empty store, open for writing.

        The compression dictionary is trained on `dictionary_sample`, texts like the expected ones.
        `known_words`, in lower case, are the words known to the embedder; all others are also
        searched for as words. Before the signs of a vector are taken, the vector `mean` is
        subtracted and the matrix `rotation` (d, d) applied; None: neither.

        Raises:
            StoreError: The file exists, or its folder cannot be written to.
            ValueError: The dimension is not a multiple of 8.
        """
        path = Path(path)
        if embedder.dimension % 8:
            raise ValueError(f"{embedder.dimension} dimensions; a multiple of 8 is needed")
        if path.exists():
            raise StoreError(f"{path} exists already.", "Choose another name, or remove it first.")
        step = get_default_quantization_step(embedder.dimension)
        meta = StoreMeta(embedder, step, mean, rotation)
        texts = train_text_dictionary_or_empty(dictionary_sample)
        codes = train_code_dictionary_on_random_vectors(embedder.dimension)
        with (
            sqlite.translate_sqlite_errors(path),
            sqlite.open_connection_close_on_error(path, "create") as connection,
        ):
            with tables.write_transaction(connection):
                create_tables_and_meta(connection, path, meta, known_words, texts, codes)
            return cls(connection, path, meta, writable=True)

    @classmethod
    def open(
        cls, path: Path | str, *, embedder: EmbedderId | None = None, write: bool = False
    ) -> Store:
        """Open an existing store for reading, or with `write` for reading and writing.

        Raises:
            StoreNotFoundError: The file does not exist.
            CorruptStoreError: The file is not a store, or is damaged.
            StoreVersionError: The file has another format version.
            EmbedderMismatchError: The vectors come from another embedder than `embedder`.
            ReadOnlyStoreError: `write` is set, and the store cannot be written to.
        """
        path = Path(path)
        check_header(path)
        if write and not is_store_writable(path):
            raise sqlite.make_read_only_error(path)
        mode: sqlite.Mode = "write" if write else "read"
        with (
            sqlite.translate_sqlite_errors(path),
            sqlite.open_connection_close_on_error(path, mode) as connection,
        ):
            check_file_not_truncated(connection, path)
            check_vec0_layout(connection, path)
            meta = read_meta(connection)
            if embedder is not None and embedder != meta.embedder:
                raise EmbedderMismatchError(
                    f"The store {path} was made with {meta.embedder}, not {embedder}.",
                    "Open it with its own embedder, or build it again with this one.",
                )
            return cls(connection, path, meta, writable=write)

    def add_entries(self, entries: Sequence[Entry], vectors: Floats) -> list[int]:
        """Add all or none of `entries` with the vectors of their subproblems; return their ids.

        Raises:
            ValueError: A shape is wrong, a vector is zero or not finite, or an entry lacks its
                subproblem or subroutine or is too long.
        """
        unit_vectors = self._normalize_vectors(entries, vectors)
        with self._open_transaction(write=True) as connection:
            return self._insert_and_limit_pending(connection, entries, unit_vectors)

    def delete_entries(self, ids: Collection[int]) -> None:
        """Delete all or none of the entries with these ids. The ids are never reused.

        Raises:
            StoreError: An entry does not exist.
        """
        with self._open_transaction(write=True) as connection:
            self._check_and_delete_entries(connection, set(ids))

    def replace_entry(self, id: int, entry: Entry, vector: Floats) -> int:
        """Replace entry `id` by `entry` with the vector of its subproblem; return the new id.

        The id is new, so that an id saved elsewhere never refers to another text.

        Raises:
            ReadOnlyStoreError, StoreError, ValueError: As for `add_entries` and `delete_entries`.
        """
        unit_vectors = self._normalize_vectors([entry], np.asarray(vector)[np.newaxis])
        with self._open_transaction(write=True) as connection:
            self._check_and_delete_entries(connection, {id})
            return self._insert_and_limit_pending(connection, [entry], unit_vectors)[0]

    def search(self, request: SearchRequest) -> list[Hit]:
        """Return the entries that `request` asks for, best score first, equal scores by id.

        Raises:
            ValueError: The vector has the wrong shape, or is zero or not finite.
        """
        with self._open_transaction():
            found = self.rank_entries(request)
            texts = zip(found, self.get([each.id for each in found]), strict=True)
            return [self._searcher.build_hit(each, entry) for each, entry in texts]

    def rank_entries(self, request: SearchRequest) -> list[ScoredEntryId]:
        """Return ids and scores of the entries that `search` returns, without reading texts."""
        rows = self._searcher.quantizer.normalize_rows(np.asarray(request.vector)[np.newaxis])
        with self._open_transaction():
            return self._searcher.search(replace(request, vector=rows[0]))

    def build_hit(self, ranked: ScoredEntryId, entry: Entry, name: str) -> Hit:
        """Build the hit of a ranked entry, whose texts are `entry`, in the store of this name."""
        return self._searcher.build_hit(ranked, entry, name)

    def preload_centroids(self) -> None:
        """Read the cluster centroids now instead of during the first search."""
        with self._open_transaction():
            len(self._searcher.centroids)

    def get(self, ids: Sequence[int]) -> list[Entry]:
        """Read the entries with these ids, in this order.

        Raises:
            StoreError: An entry does not exist.
        """
        with self._open_transaction() as connection:
            found = entry_texts.read_entries(connection, self._codec, self._state.bulk, ids)
            self._check_all_found(connection, ids, found)
            return [found[each] for each in ids]

    def sample_entries(self, k: int, seed: int) -> list[Entry]:
        """Return `k` distinct random entries, or all if there are fewer; repeatable by `seed`."""
        with self._open_transaction() as connection:
            given = tables.read_id_range(connection)
            # Enough draws for k existing entries, even if every deleted id is drawn.
            draws = min(len(given), k + len(given) - tables.count_entries(connection))
            drawn = random.Random(seed).sample(given, draws)
            there = tables.find_existing_ids(connection, drawn)
            return self.get([each for each in drawn if each in there][:k])

    def read_vectors(self, ids: Sequence[int]) -> Floats:
        """Read the stored vectors of these ids, in this order: an array (n, d), rows of length 1.

        Raises:
            StoreError: An entry does not exist.
        """
        with self._open_transaction() as connection:
            found = self._searcher.read_vectors(ids)
            self._check_all_found(connection, ids, found)
            rows = np.array([found[each] for each in ids], np.float32)
            return rows.reshape(-1, self._meta.embedder.dimension)

    def record_usage(self, shown: Collection[int], helped: Collection[int] = ()) -> None:
        """Increase the usage counts of entries that were shown as hints, and that helped.

        `helped`: the hints of branches that reached the chosen answer. Ids of deleted entries are
        skipped.
        """
        with self._open_transaction(write=True) as connection:
            usage_counts.record_usage(connection, shown, helped)

    def read_usage_counts(self, ids: Collection[int]) -> dict[int, usage_counts.UsageCount]:
        """Return the usage counts of the entries `ids`, by id, without entries never counted."""
        with self._open_transaction() as connection:
            return usage_counts.read_usage_counts(connection, ids)

    def count_entries(self) -> int:
        """Return the number of entries in the store."""
        with self._open_transaction() as connection:
            return tables.count_entries(connection)

    def read_spread(self, probes_sha256: str) -> UnrelatedSimilaritySpread | None:
        """Return the saved spread, the scale of this store's similarities.

        None if it is missing, damaged, or measured with sentences of another SHA-256.
        """
        with self._open_transaction() as connection:
            saved = read_intact_meta_text_or_none(connection, SPREAD) or ""
            digest, _, text = saved.partition(" ")
            return UnrelatedSimilaritySpread.from_json(text) if digest == probes_sha256 else None

    def write_spread(self, spread: UnrelatedSimilaritySpread, probes_sha256: str) -> None:
        """Save the spread in place of any other, with the SHA-256 of its probe sentences."""
        with self._open_transaction(write=True) as connection:
            write_meta_value(connection, SPREAD, f"{probes_sha256} {spread.as_json()}")

    def verify(self, report: ProgressCallback = ignore_progress) -> list[str]:
        """Read the whole store; return its faults as sentences, empty for an intact store.

        Uses its own connection, so that other calls do not wait.
        """
        return verify_store(self._path, report)

    def read_info(self) -> StoreInfo:
        """Return embedder, number of entries, domains, file size and search parameters."""
        with self._open_transaction() as connection:
            return StoreInfo(
                path=self._path,
                version=VERSION,
                embedder=self._meta.embedder,
                entries=tables.count_entries(connection),
                domains=tables.list_current_and_past_domains(connection),
                size=connection.execute("PRAGMA page_count").get * PAGE_SIZE,
                clusters=len(self._searcher.centroids),
                probes=self._state.search_params.nprobe,
                candidates=self._state.search_params.candidates,
                sqlite_vec=self._meta.sqlite_vec,
                writable=self._writable,
            )

    def close(self) -> None:
        """Close the file, without a write-ahead log if possible; closing twice is allowed."""
        with self._lock:
            # A close that fails raises, and must not warn later as well.
            self._closed = True
            self._readers.close_second_connection()
            if self._written:
                wal.leave_wal_if_possible(self._connection)
                self._written = False
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        mode = "closed" if self._closed else "writable" if self._writable else "read-only"
        return f"<{type(self).__name__} {str(self._path)!r}, {mode}>"

    def __del__(self) -> None:
        if not self._closed:
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=1)

    def borrow_connection(self) -> AbstractContextManager[apsw.Connection]:
        """Return a context manager that lends the connection, in a read transaction, to its body.

        For other modules of the package; other calls of this store wait for the body's end.
        """
        return self._open_transaction()

    @contextmanager
    def _open_transaction(self, *, write: bool = False) -> Iterator[apsw.Connection]:
        """Lock the store and run the body in a transaction, after refreshing the cached state."""
        if write and not self._writable:
            raise ReadOnlyStoreError(
                f"The store {self._path} is open for reading only.", "Open it for writing."
            )
        turn = tables.write_transaction if write else read_transaction
        with self._lock, sqlite.translate_sqlite_errors(self._path):
            if write and not self._written:
                wal.enable_wal_if_possible(self._connection, self._path)
                self._written = True
            with turn(self._connection):
                self._refresh_state()
                yield self._connection

    def _refresh_state(self) -> None:
        """Read the state of the store again, if another connection has committed a change."""
        if (state := self._watch.read_state_if_others_committed()) is None:
            return
        if state.generation != self._state.generation:
            self._searcher.forget_centroids()
        self._searcher.params, self._state = state.search_params, state

    def _normalize_vectors(self, entries: Sequence[Entry], vectors: Floats) -> Floats:
        """Return `vectors` scaled to length 1; raise ValueError if they do not fit `entries`."""
        unit_vectors = self._searcher.quantizer.normalize_rows(vectors)
        if len(unit_vectors) != len(entries):
            raise ValueError(f"{len(entries)} entries, but {len(unit_vectors)} vectors")
        return unit_vectors

    def _insert_and_limit_pending(
        self, connection: apsw.Connection, entries: Sequence[Entry], unit_vectors: Floats
    ) -> list[int]:
        """Insert entries and return their ids; assign old entries if too many have no cluster."""
        searcher = self._searcher
        rows = encode_rows_and_insert_labels(
            connection, searcher, self._fresh, entries, unit_vectors
        )
        ids = tables.insert_entry_rows_and_update_counts(connection, rows)
        if ids and pending.exceeds_pending_limit(connection, ids[-1]):
            parts = (searcher.centroids, searcher.quantizer, searcher.packer)
            pending.assign_and_index_oldest_pending(connection, *parts, pending.MAX_PENDING_BATCH)
        return ids

    def _check_and_delete_entries(self, connection: apsw.Connection, ids: set[int]) -> None:
        """Delete the entries with these ids; raise StoreError if one does not exist."""
        self._check_all_found(connection, ids, tables.find_existing_ids(connection, ids))
        delete_existing_entries(connection, self._codec, self._state.bulk, ids)

    def _check_all_found(
        self, connection: apsw.Connection, ids: Collection[int], found: Collection[int]
    ) -> None:
        """Raise StoreError if one of `ids` is not among `found`, the ids of existing entries."""
        for each in ids:
            if each not in found:
                given = tables.read_id_range(connection)
                raise StoreError(
                    f"The store {self._path} has no entry {each}.",
                    f"Its entries are numbered {given.start} to {given.stop - 1}.",
                )
