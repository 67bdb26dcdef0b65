"""Values that an open store keeps in memory, and detection of changes by other connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.store.sqlite.meta import (
    PARAM_KEYS,
    SearchParams,
    read_meta_number,
    read_meta_number_or_zero,
)

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class StoreState:
    """Values of `meta` that an open store keeps in memory although maintenance can change them."""

    bulk: int
    """Highest id of an entry with its texts in a block; those of higher ids are in single rows."""
    search_params: SearchParams
    generation: int
    """Number in `meta` that increases whenever the centroids of the store change."""


class StateWatch:
    """Detector of commits by other connections, after which `StoreState` has to be read again."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._version: int | None = None

    def read_state_if_others_committed(self) -> StoreState | None:
        """Return the store's state if another connection has committed since the last call.

        None otherwise; the first call always reads the state. Call this at the start of each
        transaction, because the state is valid only within one.
        """
        version = self._connection.execute("PRAGMA data_version").get
        if version == self._version:
            return None
        found = read_store_state(self._connection)
        self._version = version
        return found


def read_store_state(connection: apsw.Connection) -> StoreState:
    """Read the `StoreState` from the table `meta`.

    Raises:
        DamagedError: `meta` is damaged.
    """
    return StoreState(
        read_meta_number(connection, "bulk"),
        SearchParams(*(read_meta_number(connection, key) for key in PARAM_KEYS)),
        read_meta_number_or_zero(connection, "generation"),
    )
