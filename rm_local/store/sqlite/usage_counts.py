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
    """Number of uses of an entry as a hint, and of the uses that led to the chosen answer."""

    shown: int = 0
    """Number of times the entry was given to the model as a hint."""
    helped: int = 0
    """Number of times a branch with this entry as its hint reached the chosen answer."""


COUNT = """
    INSERT INTO tally(id, shown, helped)
        SELECT id, :shown, :helped FROM ref WHERE id IN (SELECT value FROM json_each(:ids))
    ON CONFLICT(id) DO UPDATE
        SET shown = shown + excluded.shown, helped = helped + excluded.helped
"""


def record_usage(
    connection: apsw.Connection, shown: Collection[int], helped: Collection[int] = ()
) -> None:
    """Increase the count `shown` of each entry in `shown` by one, and likewise for `helped`.

    A repeated id counts once. Ids of deleted entries, from an older turn, are skipped.
    """
    for ids, each in ((shown, (1, 0)), (helped, (0, 1))):
        connection.execute(
            COUNT, {"ids": format_json_array(ids), "shown": each[0], "helped": each[1]}
        )


def read_usage_counts(connection: apsw.Connection, ids: Collection[int]) -> dict[int, UsageCount]:
    """Return the usage counts of the entries `ids`, by id, without entries never counted."""
    found = connection.execute(
        "SELECT id, shown, helped FROM tally WHERE id IN (SELECT value FROM json_each(?))",
        (format_json_array(ids),),
    )
    return {id: UsageCount(shown, helped) for id, shown, helped in found}
