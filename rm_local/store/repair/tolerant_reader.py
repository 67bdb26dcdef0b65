"""Reading a damaged store: what can be read of it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rm_local.store.format import DamagedError, checksum
from rm_local.store.sqlite.meta import Value
from rm_local.store.sqlite.tables import Label, json_array

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


class Rescue:
    """Statements on a damaged store, whose errors count as rows that are not there."""

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
        """Whether the last `each` came upon damage before its end."""

    def each(self, sql: str, values: Sequence[int | str] = ()) -> Iterator[Row]:
        """Rows up to the end, or to the first damage."""
        self.stopped = False
        try:
            yield from self._connection.execute(sql, values)
        except self._damage:
            self.stopped = True

    def one(self, sql: str, values: Sequence[int | str] = ()) -> Any:
        """The first value of the first row; None where it cannot be read."""
        return next(self.each(sql, values), (None,))[0]

    def among(self, sql: str, numbers: Sequence[int]) -> dict[int, Row]:
        """Rows by their first column, of those of `numbers` that can be read.

        `sql` takes the numbers as a list in JSON; where it fails it is asked for each half.
        """
        found = {row[0]: row[1:] for row in self.each(sql, (json_array(numbers),))}
        if self.stopped and len(numbers) > 1:
            middle = len(numbers) // 2
            return self.among(sql, numbers[:middle]) | self.among(sql, numbers[middle:])
        return found

    def value(self, key: str) -> Value | None:
        """A value of `meta`; None where it is missing or not as it was written."""
        # All of the table's rows are looked at, and not its index, which may be what is damaged.
        found = self.each("SELECT value, crc FROM meta NOT INDEXED WHERE key = ?", (key,))
        row = next(found, None)
        return row[0] if row is not None and checksum(key, row[0]) == row[1] else None

    def number(self, key: str) -> int | None:
        """A whole number of `meta`, as `value`."""
        found = self.value(key)
        return found if isinstance(found, int) else None

    def dictionary(self, number: int) -> bytes:
        """A dictionary. DamagedError: it is not as it was written."""
        row = next(self.each("SELECT d, crc FROM zdict WHERE id = ?", (number,)), None)
        if row is None or checksum(number, row[0]) != row[1]:
            raise DamagedError(f"dictionary {number} is not as it was written")
        return bytes(row[0])

    def numbers(self, table: str, key: str) -> list[int]:
        """The numbers of a table's rows, ascending, from the table itself and from its indexes."""
        found: set[int] = set()
        for where in (f"{table} NOT INDEXED", table):
            found.update(row[0] for row in self.each(f"SELECT {key} FROM {where}"))
        return sorted(found)

    def labels(self) -> dict[int, Label]:
        """Labels, by number, that are as they were written."""
        numbers = self.numbers("label", "id")
        crcs = self.among(LABEL_CRCS, numbers)
        rows = self.among(LABELS, numbers)
        # The index that keeps them different holds all four, too.
        copies = {row[0]: row[1:] for row in self.each(LABEL_COPIES)}
        found: dict[int, Label] = {}
        for number, (crc,) in crcs.items():
            for domain, source, level, provenance in (
                each[number] for each in (copies, rows) if number in each
            ):
                if checksum(number, domain, source, level, provenance) == crc:
                    found[number] = (domain, source, level, provenance)
        return found
