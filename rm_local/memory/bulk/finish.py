"""The last stages of a build: tidy, check, and have all of it on the disk."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rm_local.memory import connection as sqlite
from rm_local.memory import rows
from rm_local.memory.bulk.plan import Plan
from rm_local.memory.bulk.source import Meter, Report
from rm_local.memory.format import DamagedError

LARGEST_TABLES = ("ref", "block")


def finish(part: Path, plan: Plan, report: Report) -> None:
    """Make the written file a store. DamagedError: its tables do not agree."""
    meter = Meter(report, "finish", plan.rows)
    with sqlite.opened(part, "write") as connection:
        with rows.writing(connection):
            connection.execute("INSERT INTO words(words) VALUES('optimize')")
            connection.execute("DELETE FROM meta WHERE key = 'groups'")
        held = connection.execute("SELECT max(id) FROM ref").get
        if held != plan.last or rows.count(connection) != plan.rows:
            raise DamagedError(f"{held} is the last row that was written, not {plan.last}")
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
        )
        tables = [str(name) for (name,) in found.fetchall()]
    connection.close()
    small = [name for name in tables if name not in LARGEST_TABLES]
    with ThreadPoolExecutor(2) as threads:
        # Reading is what takes long, so the largest tables are read side by side.
        list(threads.map(partial(_check, part), [["ref"], ["block", *small]]))
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    meter.reach(plan.rows)


def _check(part: Path, tables: list[str]) -> None:
    """SQLite's own check of the pages of these tables. DamagedError."""
    with sqlite.opened(part, "read") as connection:
        for table in tables:
            found = connection.execute(f"PRAGMA quick_check('{table}')").get
            if found != "ok":
                raise DamagedError(found)
    connection.close()
