"""What a store fixes for all its entries: read where it is whole, reckoned anew where it can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rm_local.errors import StoreInvalid
from rm_local.store.codec.code_frames import code_check
from rm_local.store.codec.text_blocks import TextCodec, unpack_words
from rm_local.store.format import BLOCK_ROWS, DamagedError, EmbedderId
from rm_local.store.index.stopwords import STOPWORDS
from rm_local.store.repair.tolerant_reader import Rescue
from rm_local.store.sqlite.meta import PARAM_KEYS, Value, default_search_params, write_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS

if TYPE_CHECKING:
    import apsw

NEEDED = ("embedder_id", "embedder_dimension", "embedder_sha256", "step", "mean", "rotation")
"""Of `meta`: what vectors cannot be read without."""

ANOTHER_COPY = "Nothing can be done about that: take another copy, or build the store again."


@dataclass(frozen=True)
class Settled:
    """What all entries are read with, and how they are numbered."""

    needed: dict[str, Value]
    dictionaries: dict[int, bytes]
    known_words: frozenset[str]
    first_block: int
    """The first block of texts that there is."""
    bulk: int
    highest: int
    """No entry has a higher number."""
    last: int
    """The highest number ever given."""
    clusters: int | None
    """None where it is lost: then there are as many as centres and chunks name."""
    notes: list[str] = field(default_factory=list)
    """What of this was not as it was written, as sentences."""

    @classmethod
    def of(cls, rescue: Rescue) -> Self:
        """Those of a damaged store. StoreInvalid: something is lost that nothing can replace."""
        needed = {key: rescue.value(key) for key in NEEDED}
        lost = [f"{key!r} in meta" for key, value in needed.items() if value is None]
        dictionaries: dict[int, bytes] = {}
        for number, name in ((TEXTS, "texts"), (CODES, "vectors")):
            try:
                dictionaries[number] = rescue.dictionary(number)
            except DamagedError:
                lost.append(f"the dictionary of {name}")
        if lost:
            raise StoreInvalid(f"The store is damaged in {', '.join(lost)}.", ANOTHER_COPY)
        if rescue.value("groups") is not None:
            raise StoreInvalid(
                "The bulk build of this store did not come to its end.", "Build it again."
            )
        notes: list[str] = []
        bulk, last, clusters = (rescue.number(key) for key in ("bulk", "last", "clusters"))
        if bulk is None:
            notes.append("'bulk' in meta was told from the blocks of texts.")
            bulk = _bulk(rescue, TextCodec(dictionaries[TEXTS]))
            bulk = bulk if last is None else min(bulk, last)
        highest = last
        if highest is None:
            highest = max(bulk, _highest(rescue))
            last = max(highest, _given(rescue))
            notes.append(f"'last' in meta was told from the entries; it is {last:,} now.")
        if clusters is None:
            notes.append("'clusters' in meta was told from the centres.")
        return cls(
            {key: value for key, value in needed.items() if value is not None},
            dictionaries,
            _known_words(rescue, notes),
            _first_block(rescue),
            bulk,
            highest,
            int(last or 0),
            clusters,
            notes,
        )

    @property
    def embedder(self) -> EmbedderId:
        """Whose vectors the store holds."""
        return EmbedderId(
            str(self.needed["embedder_id"]),
            self.dimension,
            str(self.needed["embedder_sha256"]),
        )

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self.needed["embedder_dimension"])


def put_search_params(
    rescue: Rescue, new: apsw.Connection, clusters: int, notes: list[str]
) -> None:
    """Copy the search parameters; those that are lost get their defaults."""
    values = {key: rescue.number(key) for key in PARAM_KEYS}
    lost = [key for key, value in values.items() if value is None]
    for key, usual in default_search_params(clusters).meta_values().items():
        value = values[key]
        write_value(new, key, usual if value is None else value)
    if lost:
        notes.append(f"{', '.join(map(repr, lost))} in meta: the default was taken.")


def _known_words(rescue: Rescue, notes: list[str]) -> frozenset[str]:
    try:
        value = rescue.value("known_words")
        if not isinstance(value, bytes):
            raise DamagedError("there are none")
        return unpack_words(value)
    except DamagedError:
        notes.append(
            "The list of words that the embedder knows is lost: all but the most common words "
            "are searched for."
        )
        return frozenset(STOPWORDS)


def _first_block(rescue: Rescue) -> int:
    found = [rescue.one("SELECT min(blk) FROM block")]
    if (id := rescue.one("SELECT min(id) FROM ref")) is not None:
        found.append((id - 1) // BLOCK_ROWS)
    return max(0, min((number for number in found if number is not None), default=0))


def _bulk(rescue: Rescue, codec: TextCodec) -> int:
    """The last entry in blocks: that of the last block, as far as it can be read."""
    number = rescue.one("SELECT max(blk) FROM block")
    if number is None:
        return 0
    try:
        rows = len(
            codec.unpack_rows(rescue.one("SELECT z FROM block ORDER BY blk DESC"), BLOCK_ROWS)
        )
    except DamagedError:
        rows = BLOCK_ROWS
    end = int(number) * BLOCK_ROWS + rows
    first_single = rescue.one("SELECT min(id) FROM text")
    return end if first_single is None else min(end, int(first_single) - 1)


def _highest(rescue: Rescue) -> int:
    """The highest number of an entry whose code is whole."""
    for id, crc, code in rescue.each("SELECT id, crc, v FROM ref ORDER BY id DESC"):
        if isinstance(code, bytes) and isinstance(crc, int) and code_check(id, code) == crc >> 32:
            return int(id)
    return 0


def _given(rescue: Rescue) -> int:
    """The highest number that sqlite-vec was ever given one by one."""
    found = rescue.one("SELECT seq FROM sqlite_sequence WHERE name = 'code_rowids'")
    return found if isinstance(found, int) else 0
