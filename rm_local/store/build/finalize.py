"""The last stages of a build: tidy, check, and have all of it on the disk."""

from __future__ import annotations

from pathlib import Path

from rm_local.files import sync_file
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.store.build.spec import Plan
from rm_local.store.format import DamagedError
from rm_local.store.sqlite import connection as sqlite, tables

READ_BACK = ("ref", "block", "code_chunks", "code_vector_chunks00", "code_metadatachunks00")
"""Tables whose groups were read back when they were written; the others are checked here."""


def finish(part: Path, plan: Plan, report: ProgressCallback) -> None:
    """Make the written file a store. DamagedError: its tables do not agree."""
    meter = ProgressMeter(report, "finish", plan.rows)
    with sqlite.open_connection(part, "write") as connection:
        with tables.write_transaction(connection):
            connection.execute("INSERT INTO words(words) VALUES('optimize')")
            connection.execute("DELETE FROM meta WHERE key = 'groups'")
        held = connection.execute("SELECT max(id) FROM ref").get
        if held != plan.last or tables.count_entries(connection) != plan.rows:
            raise DamagedError(f"{held} is the last row that was written, not {plan.last}")
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
        )
        for table in sorted({str(name) for (name,) in found.fetchall()}.difference(READ_BACK)):
            told = connection.execute(f"PRAGMA quick_check('{table}')").get
            if told != "ok":
                raise DamagedError(told)
    connection.close()
    sync_file(part)
    meter.reach(plan.rows)
