"""Values needed for reading a damaged store's entries: read if intact, recomputed if possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rm_local.errors import CorruptStoreError
from rm_local.store.codec.code_frames import compute_code_checksum
from rm_local.store.codec.text_blocks import TextCodec, unpack_words
from rm_local.store.format import BLOCK_ROWS, DamagedError, EmbedderId
from rm_local.store.index.stopwords import STOPWORDS
from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite.meta import (
    PARAM_KEYS,
    Value,
    get_default_search_params,
    write_meta_value,
)
from rm_local.store.sqlite.vec0 import CODES, TEXTS

if TYPE_CHECKING:
    import apsw

NEEDED = ("embedder_id", "embedder_dimension", "embedder_sha256", "step", "mean", "rotation")
"""Keys of `meta` whose values are needed for reading vectors and cannot be recomputed."""

ANOTHER_COPY = "Use another copy, or build the store again."


@dataclass(frozen=True)
class StoreConstants:
    """Values needed for reading a damaged store: quantization, dictionaries, bounds of the ids."""

    needed: dict[str, Value]
    """Values of `meta` that cannot be recomputed, by their keys NEEDED."""
    dictionaries: dict[int, bytes]
    """zstandard dictionaries for texts and ranking codes, by their ids TEXTS and CODES."""
    known_words: frozenset[str]
    """Words known to the store's embedder, in lower case."""
    first_block: int
    """Number of the first text block in the damaged store."""
    bulk: int
    """Highest id of an entry with its texts in a block; those of higher ids are in single rows."""
    highest: int
    """Upper bound on the ids of existing entries in the damaged store."""
    last: int
    """The highest id ever given to an entry of the damaged store."""
    clusters: int | None
    """Number of clusters; None if it is lost and has to be computed from the centroids."""
    notes: list[str] = field(default_factory=list)
    """Sentences about those of these values that were damaged."""

    @classmethod
    def read_or_recompute(cls, reader: TolerantReader) -> Self:
        """Read the values, or compute damaged ones from other parts of the store.

        Raises:
            CorruptStoreError: A value is lost and cannot be computed, or the store is unfinished.
        """
        needed = {key: reader.read_meta_value(key) for key in NEEDED}
        lost = [f"{key!r} in meta" for key, value in needed.items() if value is None]
        dictionaries: dict[int, bytes] = {}
        for number, name in ((TEXTS, "texts"), (CODES, "vectors")):
            try:
                dictionaries[number] = reader.read_compression_dictionary_or_raise(number)
            except DamagedError:
                lost.append(f"the dictionary of {name}")
        if lost:
            raise CorruptStoreError(f"The store is damaged in {', '.join(lost)}.", ANOTHER_COPY)
        if reader.read_meta_value("groups") is not None:
            raise CorruptStoreError(
                "The bulk build of this store was not completed.", "Build it again."
            )
        notes: list[str] = []
        bulk, last, clusters = (
            reader.read_meta_number(key) for key in ("bulk", "last", "clusters")
        )
        if bulk is None:
            notes.append("'bulk' in meta was computed from the blocks of texts.")
            bulk = _find_last_id_in_blocks_or_zero(reader, TextCodec(dictionaries[TEXTS]))
            bulk = bulk if last is None else min(bulk, last)
        highest = last
        if highest is None:
            highest = max(bulk, _find_highest_intact_id_or_zero(reader))
            last = max(highest, _find_highest_given_id_or_zero(reader))
            notes.append(f"'last' in meta was computed from the entries; it is {last:,} now.")
        if clusters is None:
            notes.append("'clusters' in meta was computed from the centroids.")
        return cls(
            {key: value for key, value in needed.items() if value is not None},
            dictionaries,
            _read_known_words_or_stopwords(reader, notes),
            _find_first_block_number(reader),
            bulk,
            highest,
            int(last or 0),
            clusters,
            notes,
        )

    @property
    def embedder(self) -> EmbedderId:
        """Identity of the embedder of the damaged store's vectors."""
        return EmbedderId(
            str(self.needed["embedder_id"]),
            self.dimension,
            str(self.needed["embedder_sha256"]),
        )

    @property
    def dimension(self) -> int:
        """Number of components of the store's vectors."""
        return int(self.needed["embedder_dimension"])


def copy_search_params_or_defaults(
    reader: TolerantReader, new: apsw.Connection, clusters: int, notes: list[str]
) -> None:
    """Copy the search parameters in `meta` to the new store.

    Lost ones are replaced by the defaults for `clusters`; a sentence about it is added to `notes`.
    """
    values = {key: reader.read_meta_number(key) for key in PARAM_KEYS}
    lost = [key for key, value in values.items() if value is None]
    for key, usual in get_default_search_params(clusters).to_meta_values().items():
        value = values[key]
        write_meta_value(new, key, usual if value is None else value)
    if lost:
        notes.append(f"{', '.join(map(repr, lost))} in meta: the default was used.")


def _read_known_words_or_stopwords(reader: TolerantReader, notes: list[str]) -> frozenset[str]:
    """Return the words known to the embedder; if they are lost, STOPWORDS, with a note."""
    try:
        value = reader.read_meta_value("known_words")
        if not isinstance(value, bytes):
            raise DamagedError("known_words is missing")
        return unpack_words(value)
    except DamagedError:
        notes.append(
            "The list of words that the embedder knows is lost: all words except the most common "
            "ones are searched for."
        )
        return frozenset(STOPWORDS)


def _find_first_block_number(reader: TolerantReader) -> int:
    """Return the number of the first text block, by the lowest numbers in `block` and `ref`."""
    found = [reader.read_scalar_or_none("SELECT min(blk) FROM block")]
    if (id := reader.read_scalar_or_none("SELECT min(id) FROM ref")) is not None:
        found.append((id - 1) // BLOCK_ROWS)
    return max(0, min((number for number in found if number is not None), default=0))


def _find_last_id_in_blocks_or_zero(reader: TolerantReader, codec: TextCodec) -> int:
    """Return the highest id with texts in a block, by the last block; 0 if there are no blocks.

    A last block that cannot be read counts as full.
    """
    number = reader.read_scalar_or_none("SELECT max(blk) FROM block")
    if number is None:
        return 0
    try:
        rows = len(
            codec.unpack_rows(
                reader.read_scalar_or_none("SELECT z FROM block ORDER BY blk DESC"), BLOCK_ROWS
            )
        )
    except DamagedError:
        rows = BLOCK_ROWS
    end = int(number) * BLOCK_ROWS + rows
    first_single = reader.read_scalar_or_none("SELECT min(id) FROM text")
    return end if first_single is None else min(end, int(first_single) - 1)


def _find_highest_intact_id_or_zero(reader: TolerantReader) -> int:
    """Return the highest id of an entry with an intact ranking code; 0 if there is none.

    Also 0 if the table `ref`, read from the highest id down, has an unreadable page before it.
    """
    for id, crc, code in reader.iter_rows_until_damage(
        "SELECT id, crc, v FROM ref ORDER BY id DESC"
    ):
        if (
            isinstance(code, bytes)
            and isinstance(crc, int)
            and compute_code_checksum(id, code) == crc >> 32
        ):
            return int(id)
    return 0


def _find_highest_given_id_or_zero(reader: TolerantReader) -> int:
    """Return the highest id ever inserted into sqlite-vec's table, by SQLite; 0 if unknown."""
    found = reader.read_scalar_or_none("SELECT seq FROM sqlite_sequence WHERE name = 'code_rowids'")
    return found if isinstance(found, int) else 0
