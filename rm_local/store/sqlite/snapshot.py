"""Cached state of an open store, and detection of changes by other connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.store.sqlite.meta import PARAM_KEYS, SearchParams, read_number, read_number_or_zero

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class StoreState:
    """Values of `meta` that an open store caches and maintenance changes."""

    bulk: int
    """The last id with texts in blocks: entries 1 to `bulk`."""
    search_params: SearchParams
    generation: int
    """Number that changes whenever the centroids change."""


class StateWatch:
    """Detector of changes of the cached state by other connections."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._version: int | None = None

    def read_if_changed(self) -> StoreState | None:
        """Read the state if another connection has committed since the last call, else None.

        The first call always reads it. The state is valid for the current transaction: call this at
        the start of each one, before a use of `StoreState`.
        """
        version = self._connection.execute("PRAGMA data_version").get
        if version == self._version:
            return None
        found = read_store_state(self._connection)
        self._version = version
        return found


def read_store_state(connection: apsw.Connection) -> StoreState:
    """Read the cached state (`StoreState`) from the table `meta`.

    Raises:
        DamagedError: `meta` is damaged.
    """
    return StoreState(
        read_number(connection, "bulk"),
        SearchParams(*(read_number(connection, key) for key in PARAM_KEYS)),
        read_number_or_zero(connection, "generation"),
    )
