"""Reads a store through two connections in parallel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rm_local.store.sqlite import connection as sqlite
from rm_local.system import count_usable_processors

if TYPE_CHECKING:
    import apsw

Piece = TypeVar("Piece")
Read = TypeVar("Read")
Result = TypeVar("Result")


@contextmanager
def read_transaction(connection: apsw.Connection) -> Iterator[None]:
    """Run the body in a read transaction: all its reads see one snapshot of the file.

    Inside another transaction it changes nothing.
    """
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("END")


class ReaderPool:
    """The store's connection, and a second one for reading if the machine has two cores.

    SQLite releases the GIL during reads, so two threads need three quarters of the time of one.
    More threads gain little and take 12 MB of page cache each.
    """

    def __init__(self, first: apsw.Connection, path: Path) -> None:
        self._first, self._sight = first, SnapshotVersionReader(first)
        self._path = path
        self._second: SnapshotVersionReader | None = None
        self._thread = (
            ThreadPoolExecutor(1, "store-reader") if count_usable_processors() > 1 else None
        )

    def map_pieces(
        self,
        read: Callable[[apsw.Connection, Piece], Read],
        pieces: Sequence[Piece],
        then: Callable[[Read], Result],
    ) -> list[Result]:
        """Return `then(read(connection, piece))` for each of `pieces`, in their order.

        Each connection takes the next piece in its own thread; `then` runs in the calling thread.
        """
        left, ready = deque(enumerate(pieces)), deque[tuple[int, Read]]()
        done: dict[int, Result] = {}

        def read_next(connection: apsw.Connection) -> bool:
            try:
                place, piece = left.popleft()
            except IndexError:
                return False
            ready.append((place, read(connection, piece)))
            return True

        def process_ready() -> None:
            while ready:
                place, found = ready.popleft()
                done[place] = then(found)

        other = self._start_second_reader(read_next) if len(pieces) > 1 else None
        try:
            while read_next(self._first):
                process_ready()
        finally:
            left.clear()
            if other is not None:
                other.result()
        process_ready()
        return [done[place] for place in range(len(pieces))]

    def close_second_connection(self) -> None:
        """Close the second connection. The first belongs to the caller and stays open."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        if self._second is not None:
            self._second.connection.close()
            self._second = None

    def _start_second_reader(
        self, read_next: Callable[[apsw.Connection], bool]
    ) -> Future[None] | None:
        """Start a thread that calls `read_next` with the second connection until it returns False.

        On a machine with one core start nothing and return None.
        """
        if self._thread is None:
            return None
        return self._thread.submit(
            self._run_second_reader_if_same_snapshot, read_next, self._sight.read_version()
        )

    def _run_second_reader_if_same_snapshot(
        self, read_next: Callable[[apsw.Connection], bool], seen: str
    ) -> None:
        """Call `read_next` with the second connection until it returns False.

        Do nothing if this connection does not see the rows of the version `seen`.
        """
        import apsw

        if self._second is None:
            with sqlite.open_connection_close_on_error(self._path, "read") as connection:
                connection.set_busy_timeout(0)
                self._second = SnapshotVersionReader(connection)
        second = self._second.connection
        with read_transaction(second):
            try:
                same = self._second.read_version() == seen
            except apsw.BusyError:
                # A writer waits for the readers to end: the first connection reads everything.
                return
            # Otherwise a writer committed between the two.
            while same and read_next(second):
                pass


class SnapshotVersionReader:
    """Version of the rows that a connection sees, cached until they can have changed."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._at: tuple[int, int] | None = None
        self._seen = ""

    def read_version(self) -> str:
        """Return a text; equal texts of two connections mean that both see the same rows."""
        others = self.connection.execute("PRAGMA data_version").get
        at = (others, self.connection.total_changes())
        if at != self._at:
            self._seen = _query_version(self.connection)
            self._at = at
        return self._seen


def _query_version(connection: apsw.Connection) -> str:
    """Return a text that changes whenever a search by this connection could find other rows."""
    return str(
        connection.execute(
            "SELECT group_concat(value) || coalesce((SELECT min(id) FROM fresh), '') FROM meta"
            " WHERE key IN ('bulk', 'entries', 'generation', 'last')"
        ).get
    )
