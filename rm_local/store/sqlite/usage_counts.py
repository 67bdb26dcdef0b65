"""Counts the uses of entries as hints, and the uses that led to the chosen answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.store.sqlite.tables import format_json_array

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class UsageCount:
    """Usage counts of an entry."""

    shown: int = 0
    """Number of times the entry was a hint."""
    helped: int = 0
    """Number of times a branch with this hint reached the chosen answer."""


COUNT = """
    INSERT INTO tally(id, shown, helped)
        SELECT id, :shown, :helped FROM ref WHERE id IN (SELECT value FROM json_each(:ids))
    ON CONFLICT(id) DO UPDATE
        SET shown = shown + excluded.shown, helped = helped + excluded.helped
"""


def record_usage(
    connection: apsw.Connection, shown: Collection[int], helped: Collection[int] = ()
) -> None:
    """Count each distinct id of `shown` and `helped` once, in the current transaction.

    Ids of deleted entries are skipped: they can come from an older turn.
    """
    for ids, each in ((shown, (1, 0)), (helped, (0, 1))):
        connection.execute(
            COUNT, {"ids": format_json_array(ids), "shown": each[0], "helped": each[1]}
        )


def read_usage_counts(connection: apsw.Connection, ids: Collection[int]) -> dict[int, UsageCount]:
    """Read the existing usage counts of entries among `ids`, by id."""
    found = connection.execute(
        "SELECT id, shown, helped FROM tally WHERE id IN (SELECT value FROM json_each(?))",
        (format_json_array(ids),),
    )
    return {id: UsageCount(shown, helped) for id, shown, helped in found}
