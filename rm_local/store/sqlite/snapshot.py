"""State that an open store caches, and detection of changes by other connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.store.sqlite.meta import PARAM_KEYS, SearchParams, read_number, read_number_or_zero

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class StoreState:
    """The cached state that maintenance changes."""

    bulk: int
    """The texts of entries 1 to `bulk` are in blocks."""
    search_params: SearchParams
    generation: int
    """Changes whenever the centroids change."""


class StateWatch:
    """Detects whether the state has changed since it was last read."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._version: int | None = None

    def read_if_changed(self) -> StoreState | None:
        """Read the state if another connection has committed since the last call, else None.

        The first call always reads it. The state is valid for the current transaction: call this
        at the start of each, before anything in `StoreState` is used.
        """
        version = self._connection.execute("PRAGMA data_version").get
        if version == self._version:
            return None
        found = read_store_state(self._connection)
        self._version = version
        return found


def read_store_state(connection: apsw.Connection) -> StoreState:
    """Read the state from the file.

    Raises:
        DamagedError: `meta` is damaged.
    """
    return StoreState(
        read_number(connection, "bulk"),
        SearchParams(*(read_number(connection, key) for key in PARAM_KEYS)),
        read_number_or_zero(connection, "generation"),
    )
