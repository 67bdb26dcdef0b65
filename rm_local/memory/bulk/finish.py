"""The last stage of a build: tidy, check, and have all of it on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from rm_local.memory import connection as sqlite
from rm_local.memory import rows
from rm_local.memory.bulk.plan import Plan
from rm_local.memory.bulk.source import Meter, Report
from rm_local.memory.format import DamagedError


def finish(part: Path, plan: Plan, report: Report) -> None:
    """Make the written file a store. DamagedError: its tables do not agree."""
    meter = Meter(report, "finish", plan.rows)
    with sqlite.opened(part, "write") as connection:
        with rows.writing(connection):
            connection.execute("INSERT INTO words(words) VALUES('optimize')")
            connection.execute("DELETE FROM meta WHERE key = 'groups'")
        found = connection.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise DamagedError(found)
        held = connection.execute("SELECT count(*), max(id) FROM ref").get
        if held != (plan.rows, plan.last) or rows.count(connection) != plan.rows:
            raise DamagedError(f"{held[0]} rows were written, not {plan.rows}")
    connection.close()
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    meter.reach(plan.rows)
