"""Optimizes the word index of a built store, checks its tables and syncs the file."""

from __future__ import annotations

from pathlib import Path

from rm_local.files import sync_file
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.store.build.spec import BuildSpec
from rm_local.store.format import DamagedError
from rm_local.store.sqlite import connection as sqlite, tables

READ_BACK = ("ref", "block", "code_chunks", "code_vector_chunks00", "code_metadatachunks00")
"""Tables that need no check at the end of a build, because it checks them after each group."""


def optimize_check_and_sync_store(part: Path, spec: BuildSpec, report: ProgressCallback) -> None:
    """Optimize the word index of the built file `part`, check its tables, and sync the file.

    The count of written groups is removed from `meta`: no group is written after this.

    Raises:
        DamagedError: A table is damaged, or the number of entries is not that of `spec`.
    """
    meter = ProgressMeter(report, "finish", spec.rows)
    with sqlite.open_connection_close_on_error(part, "write") as connection:
        with tables.write_transaction(connection):
            connection.execute("INSERT INTO words(words) VALUES('optimize')")
            connection.execute("DELETE FROM meta WHERE key = 'groups'")
        held = connection.execute("SELECT max(id) FROM ref").get
        if held != spec.last_id or tables.count_entries(connection) != spec.rows:
            raise DamagedError(f"{held} is the last row that was written, not {spec.last_id}")
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
        )
        for table in sorted({str(name) for (name,) in found.fetchall()}.difference(READ_BACK)):
            result = connection.execute(f"PRAGMA quick_check('{table}')").get
            if result != "ok":
                raise DamagedError(result)
    connection.close()
    sync_file(part)
    meter.report_units_done(spec.rows)
