"""All kinds of work on one store, in small steps, while there is time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rm_local.progress import Progress, ProgressCallback, ignore_progress
from rm_local.store.maintain.assign_clusters import Settle
from rm_local.store.maintain.initial_clusters import FirstClusters
from rm_local.store.maintain.pack_texts import Fold
from rm_local.store.maintain.purge_deleted import Scrap
from rm_local.store.maintain.recompress import Recompress
from rm_local.store.maintain.split_clusters import LARGEST, Split
from rm_local.store.maintain.task import Tools, Work
from rm_local.store.sqlite import connection as sqlite, tables, wal
from rm_local.store.sqlite.open_checks import check_header, check_layout, check_size, is_writable

if TYPE_CHECKING:
    import apsw

STEP_SECONDS = 0.1
"""For what a step can stop at; what it cannot stop takes about as long."""

WAIT_MS = 250
"""For another process that writes, or reads on while a step ends; then it has the store."""


@dataclass(frozen=True)
class MaintenanceResult:
    """What was done, and what is left."""

    done: dict[str, int]
    """How much of what; nothing that was not met."""
    left: dict[str, int]
    """How much is left of each kind of work."""
    empty_bytes: int
    """Free in the file, for entries to come."""
    busy: bool
    """It ended early, as another process was at work on the store."""
    needs_build: bool
    """It has no clusters, and too many entries to be given some in passing."""


class Maintainer:
    """Keeps the store at `path` in shape: settles, folds, gives and parts clusters, scraps, packs.

    Each step is one transaction, of a tenth of a second or two where the work can be parted; only
    the first clusters of a store take seconds. It may be killed at any moment. Open stores, in
    any process, go on: see `rm_local.store.sqlite.snapshot`.
    """

    def __init__(self, path: Path | str, *, largest: int = LARGEST) -> None:
        self._path = Path(path)
        self._largest = largest

    def work(self, seconds: float, report: ProgressCallback = ignore_progress) -> MaintenanceResult:
        """Do what there is to do for about `seconds`, or until nothing is left.

        Each kind of work is a stage, reported with how much there is of it before it begins.
        StoreMissing, StoreInvalid, StoreVersion, StoreReadOnly, StoreError: as for `Store.open`
        and its calls; what was done until then is kept.
        """
        end = monotonic() + seconds
        done: Counter[str] = Counter()
        with self._opened() as connection:
            tools = Tools.of(connection)
            first = FirstClusters(tools)
            split = Split(tools, self._largest)
            # What takes hours in a large store comes last.
            kinds = (Settle(tools), Fold(tools), first, split, Scrap(tools), Recompress(tools))
            busy = False
            for kind in kinds:
                report(Progress(kind.name, total=kind.left()))
                while not busy and monotonic() < end:
                    found = _step(connection, kind)
                    if not found:
                        busy = found is None
                        break
                    done.update(found)
            return MaintenanceResult(
                done={what: count for what, count in done.items() if count},
                left={kind.name: kind.left() for kind in kinds},
                empty_bytes=_empty_bytes(connection),
                busy=busy,
                needs_build=first.too_many,
            )

    @contextmanager
    def _opened(self) -> Iterator[apsw.Connection]:
        path = self._path
        check_header(path)
        if not is_writable(path):
            raise sqlite.read_only_error(path)
        with sqlite.translate_errors(path), sqlite.open_connection(path, "write") as connection:
            check_size(connection, path)
            check_layout(connection, path)
            # Pages written out before the end of a step would keep readers out until then.
            connection.execute("PRAGMA cache_spill=0")
            wal.enable_wal(connection, path)
            yield connection
            wal.leave_wal(connection)
            connection.close()


def _step(connection: apsw.Connection, kind: Work) -> dict[str, int] | None:
    """What a step did, empty if nothing was left; None, and nothing done, if it was kept out."""
    import apsw

    connection.set_busy_timeout(WAIT_MS)
    try:
        with tables.write_transaction(connection):
            return kind.step(monotonic() + STEP_SECONDS)
    except (apsw.BusyError, apsw.LockedError):
        return None
    finally:
        connection.set_busy_timeout(sqlite.BUSY_MS)


def _empty_bytes(connection: apsw.Connection) -> int:
    pages = connection.execute("PRAGMA freelist_count").get
    return int(pages) * int(connection.execute("PRAGMA page_size").get)
