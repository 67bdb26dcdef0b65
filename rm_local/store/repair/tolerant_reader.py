"""Reads the undamaged parts of a damaged store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rm_local.store.format import DamagedError, compute_checksum
from rm_local.store.sqlite.meta import Value
from rm_local.store.sqlite.tables import EntryMetadata, format_json_array

if TYPE_CHECKING:
    import apsw

Row = tuple[Any, ...]

LABELS = """
    SELECT id, domain, source, level, provenance FROM label NOT INDEXED
    WHERE id IN (SELECT value FROM json_each(?))
"""
LABEL_CRCS = "SELECT id, crc FROM label NOT INDEXED WHERE id IN (SELECT value FROM json_each(?))"
LABEL_COPIES = """
    SELECT id, domain, source, level, provenance FROM label INDEXED BY sqlite_autoindex_label_1
"""


class TolerantReader:
    """Reader of a damaged store that treats rows it cannot read as missing."""

    def __init__(self, connection: apsw.Connection) -> None:
        import apsw

        self._connection = connection
        self._damage = (
            apsw.CorruptError,
            apsw.IOError,
            apsw.NotADBError,
            apsw.SQLError,
            UnicodeDecodeError,
        )
        self.stopped = False
        """Whether damage ended the last `iter_rows_until_damage` early."""

    def iter_rows_until_damage(self, sql: str, values: Sequence[int | str] = ()) -> Iterator[Row]:
        """Yield the rows that the SQL statement selects, up to the first damage.

        Afterwards `stopped` says whether there was any.
        """
        self.stopped = False
        try:
            yield from self._connection.execute(sql, values)
        except self._damage:
            self.stopped = True

    def read_scalar_or_none(self, sql: str, values: Sequence[int | str] = ()) -> Any:
        """Return the first column of the first row that the SQL statement selects.

        None if the row is missing or damaged.
        """
        return next(self.iter_rows_until_damage(sql, values), (None,))[0]

    def read_rows_by_id(self, sql: str, numbers: Sequence[int]) -> dict[int, Row]:
        """Return the readable rows with these numbers, by number: their other columns.

        `sql` selects the number first, and takes the numbers as a JSON array. If it fails, each
        half of the numbers is read separately, down to single rows.
        """
        found = {
            row[0]: row[1:]
            for row in self.iter_rows_until_damage(sql, (format_json_array(numbers),))
        }
        if self.stopped and len(numbers) > 1:
            middle = len(numbers) // 2
            return self.read_rows_by_id(sql, numbers[:middle]) | self.read_rows_by_id(
                sql, numbers[middle:]
            )
        return found

    def read_meta_value(self, key: str) -> Value | None:
        """Return the value of `key` in `meta`; None if it is missing or damaged."""
        # Scan the table without its index, which may be damaged.
        found = self.iter_rows_until_damage(
            "SELECT value, crc FROM meta NOT INDEXED WHERE key = ?", (key,)
        )
        row = next(found, None)
        return row[0] if row is not None and compute_checksum(key, row[0]) == row[1] else None

    def read_meta_number(self, key: str) -> int | None:
        """Return the integer under `key` in `meta`; None if it is missing or damaged."""
        found = self.read_meta_value(key)
        return found if isinstance(found, int) else None

    def read_compression_dictionary_or_raise(self, number: int) -> bytes:
        """Return the zstandard dictionary with the id `number` in the table `zdict`.

        Raises:
            DamagedError: The dictionary is missing or damaged.
        """
        row = next(
            self.iter_rows_until_damage("SELECT d, crc FROM zdict WHERE id = ?", (number,)), None
        )
        if row is None or compute_checksum(number, row[0]) != row[1]:
            raise DamagedError(f"dictionary {number} is not as it was written")
        return bytes(row[0])

    def list_readable_column_values(self, table: str, key: str) -> list[int]:
        """Return the values of the column `key` of a table, ascending, as far as they are readable.

        They are read from the table and from its indexes, because one of them can be intact.
        """
        found: set[int] = set()
        for where in (f"{table} NOT INDEXED", table):
            found.update(
                row[0] for row in self.iter_rows_until_damage(f"SELECT {key} FROM {where}")
            )
        return sorted(found)

    def read_intact_labels(self) -> dict[int, EntryMetadata]:
        """Return the intact rows of the table `label` (entries' metadata), by their number."""
        numbers = self.list_readable_column_values("label", "id")
        crcs = self.read_rows_by_id(LABEL_CRCS, numbers)
        rows = self.read_rows_by_id(LABELS, numbers)
        # The unique index has a copy of all four texts.
        copies = {row[0]: row[1:] for row in self.iter_rows_until_damage(LABEL_COPIES)}
        found: dict[int, EntryMetadata] = {}
        for number, (crc,) in crcs.items():
            for domain, source, level, provenance in (
                each[number] for each in (copies, rows) if number in each
            ):
                if compute_checksum(number, domain, source, level, provenance) == crc:
                    found[number] = (domain, source, level, provenance)
        return found
