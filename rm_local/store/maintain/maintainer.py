"""Runs all maintenance tasks on a store in small steps, within a time limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store.maintain.assign_clusters import AssignAndIndexPendingTask
from rm_local.store.maintain.initial_clusters import InitialClustersTask
from rm_local.store.maintain.pack_texts import PackTextsTask
from rm_local.store.maintain.purge_deleted import PurgeDeletedBitsTask
from rm_local.store.maintain.recompress import RecompressTextsTask
from rm_local.store.maintain.split_clusters import LARGEST, SplitClustersTask
from rm_local.store.maintain.task import ConnectionWithCodecs, MaintenanceTask
from rm_local.store.sqlite import connection as sqlite, tables, wal
from rm_local.store.sqlite.open_checks import (
    check_file_not_truncated,
    check_header,
    check_vec0_layout,
    is_store_writable,
)

if TYPE_CHECKING:
    import apsw

STEP_SECONDS = 0.1
"""Target duration in seconds of one step of a maintenance task."""

WAIT_MS = 250
"""Maximum wait in milliseconds for another process's lock on the store; then maintenance ends."""


@dataclass(frozen=True)
class MaintenanceResult:
    """Result of `Maintainer.run_tasks`: work that was done, and work that remains."""

    done: dict[str, int]
    """Amounts of work that was done, by description, without zeros."""
    left: dict[str, int]
    """Amount of work that remains for each task, by the task's name."""
    empty_bytes: int
    """Bytes of unused pages in the store's file, which new entries can use."""
    busy: bool
    """Whether maintenance ended early because another process had locked the store."""
    needs_build: bool
    """Whether the store lacks clusters and has too many entries to get them without a build."""


class Maintainer:
    """Maintainer of the store at `path`: assigns entries to clusters, splits clusters, compresses
    texts, removes rows of deleted entries.

    Each step is one transaction of a tenth of a second or two; only the first clusters of a store
    take seconds. It may be killed at any moment. Stores that are open in any process stay usable.
    """

    def __init__(self, path: Path | str, *, largest: int = LARGEST) -> None:
        self._path = Path(path)
        self._largest = largest

    def run_tasks(
        self, seconds: float, report: ProgressCallback = ignore_progress
    ) -> MaintenanceResult:
        """Run the maintenance tasks for about `seconds`, or until nothing is left to do.

        `report` gets the progress of each task.

        Raises:
            StoreError: As for `Store.open` and its calls; completed steps are kept.
        """
        end = monotonic() + seconds
        done: Counter[str] = Counter()
        with self._check_and_open_connection_with_wal() as connection:
            tools = ConnectionWithCodecs.from_connection(connection)
            first = InitialClustersTask(tools)
            split = SplitClustersTask(tools, self._largest)
            # Recompression takes hours in a large store, so it comes last.
            kinds = (
                AssignAndIndexPendingTask(tools),
                PackTextsTask(tools),
                first,
                split,
                PurgeDeletedBitsTask(tools),
                RecompressTextsTask(tools),
            )
            busy = False
            for kind in kinds:
                meter = ProgressMeter(report, kind.name, kind.count_remaining_work())
                worked = 0
                while not busy and monotonic() < end:
                    found = _run_step_unless_locked(connection, kind)
                    if not found:
                        busy = found is None
                        break
                    done.update(found)
                    # The first value counts the units of the task itself.
                    worked += next(iter(found.values())) or 1
                    meter.report_units_done(min(worked, meter.total or worked))
            return MaintenanceResult(
                done={what: count for what, count in done.items() if count},
                left={kind.name: kind.count_remaining_work() for kind in kinds},
                empty_bytes=_count_empty_bytes(connection),
                busy=busy,
                needs_build=first.has_too_many_entries,
            )

    @contextmanager
    def _check_and_open_connection_with_wal(self) -> Iterator[apsw.Connection]:
        """Check the store and open a connection for writing, with a write-ahead log; then close it.

        Raises:
            StoreError: As for `Store.open`.
        """
        path = self._path
        check_header(path)
        if not is_store_writable(path):
            raise sqlite.make_read_only_error(path)
        with (
            sqlite.translate_sqlite_errors(path),
            sqlite.open_connection_close_on_error(path, "write") as connection,
        ):
            check_file_not_truncated(connection, path)
            check_vec0_layout(connection, path)
            # Pages written before the end of a step would lock readers out until then.
            connection.execute("PRAGMA cache_spill=0")
            wal.enable_wal_if_possible(connection, path)
            yield connection
            wal.leave_wal_if_possible(connection)
            connection.close()


def _run_step_unless_locked(
    connection: apsw.Connection, kind: MaintenanceTask
) -> dict[str, int] | None:
    """Run a step of the task `kind` in a transaction; return the amounts of work that it did.

    Empty if the task has nothing left to do; None if another process has locked the store.
    """
    import apsw

    connection.set_busy_timeout(WAIT_MS)
    try:
        with tables.write_transaction(connection):
            return kind.run_step(monotonic() + STEP_SECONDS)
    except (apsw.BusyError, apsw.LockedError):
        return None
    finally:
        connection.set_busy_timeout(sqlite.BUSY_MS)


def _count_empty_bytes(connection: apsw.Connection) -> int:
    """Return the bytes of unused pages in the store's file."""
    pages = connection.execute("PRAGMA freelist_count").get
    return int(pages) * int(connection.execute("PRAGMA page_size").get)
