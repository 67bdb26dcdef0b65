"""Runs all maintenance tasks on one store in small steps, within a time limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rm_local.progress import Progress, ProgressCallback, ignore_progress
from rm_local.store.maintain.assign_clusters import AssignClusters
from rm_local.store.maintain.initial_clusters import CreateInitialClusters
from rm_local.store.maintain.pack_texts import PackTexts
from rm_local.store.maintain.purge_deleted import PurgeDeleted
from rm_local.store.maintain.recompress import RecompressTexts
from rm_local.store.maintain.split_clusters import LARGEST, SplitClusters
from rm_local.store.maintain.task import MaintenanceTask, StoreTools
from rm_local.store.sqlite import connection as sqlite, tables, wal
from rm_local.store.sqlite.open_checks import (
    check_file_size,
    check_header,
    check_vec0_layout,
    is_writable,
)

if TYPE_CHECKING:
    import apsw

STEP_SECONDS = 0.1
"""Target duration of a step in seconds."""

WAIT_MS = 250
"""Maximum wait for another process's lock; then the run ends."""


@dataclass(frozen=True)
class MaintenanceResult:
    """Done and remaining work of a maintenance run."""

    done: dict[str, int]
    """Done amounts by kind of work, without zeros."""
    left: dict[str, int]
    """Remaining amount of work of each task."""
    empty_bytes: int
    """Free bytes in the file, usable for new entries."""
    busy: bool
    """Whether the run ended early because another process used the store."""
    needs_build: bool
    """Whether the store has no clusters and too many entries for `CreateInitialClusters`."""


class Maintainer:
    """Maintains the store at `path`: assigns and splits clusters, packs texts, purges deleted rows.

    Each step is one transaction of a tenth of a second or two; only the first clusters of a store
    take seconds. It may be killed at any moment. Open stores in any process stay usable: see
    `rm_local.store.sqlite.snapshot`.
    """

    def __init__(self, path: Path | str, *, largest: int = LARGEST) -> None:
        self._path = Path(path)
        self._largest = largest

    def run_tasks(
        self, seconds: float, report: ProgressCallback = ignore_progress
    ) -> MaintenanceResult:
        """Run the tasks for about `seconds`, or until nothing is left to do.

        Each task is a stage: it is reported before it starts, with its amount of work.

        Raises:
            StoreError: As for `Store.open` and its calls; completed steps are kept.
        """
        end = monotonic() + seconds
        done: Counter[str] = Counter()
        with self._open_store() as connection:
            tools = StoreTools.from_connection(connection)
            first = CreateInitialClusters(tools)
            split = SplitClusters(tools, self._largest)
            # Recompression takes hours in a large store, so it comes last.
            kinds = (
                AssignClusters(tools),
                PackTexts(tools),
                first,
                split,
                PurgeDeleted(tools),
                RecompressTexts(tools),
            )
            busy = False
            for kind in kinds:
                report(Progress(kind.name, total=kind.count_remaining_work()))
                while not busy and monotonic() < end:
                    found = _run_step(connection, kind)
                    if not found:
                        busy = found is None
                        break
                    done.update(found)
            return MaintenanceResult(
                done={what: count for what, count in done.items() if count},
                left={kind.name: kind.count_remaining_work() for kind in kinds},
                empty_bytes=_count_empty_bytes(connection),
                busy=busy,
                needs_build=first.has_too_many_entries,
            )

    @contextmanager
    def _open_store(self) -> Iterator[apsw.Connection]:
        path = self._path
        check_header(path)
        if not is_writable(path):
            raise sqlite.make_read_only_error(path)
        with sqlite.translate_errors(path), sqlite.open_connection(path, "write") as connection:
            check_file_size(connection, path)
            check_vec0_layout(connection, path)
            # Pages written before the end of a step would lock readers out until then.
            connection.execute("PRAGMA cache_spill=0")
            wal.enable_wal(connection, path)
            yield connection
            wal.leave_wal(connection)
            connection.close()


def _run_step(connection: apsw.Connection, kind: MaintenanceTask) -> dict[str, int] | None:
    """Run a step; return amounts of work, empty if nothing is left, None if the store is locked."""
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
    pages = connection.execute("PRAGMA freelist_count").get
    return int(pages) * int(connection.execute("PRAGMA page_size").get)
