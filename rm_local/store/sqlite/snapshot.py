"""What an open store remembers of its file, and noticing that another connection changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.store.sqlite.meta import PARAM_KEYS, SearchParams, read_number, read_number_or_zero

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class StoreState:
    """What tidying changes of that which a store keeps in memory while it is open."""

    bulk: int
    """Entries 1 to `bulk` have their texts in blocks."""
    search_params: SearchParams
    generation: int
    """Another one: the centres are others."""


class StateWatch:
    """Tells whether a connection's store is still in the state that was last read of it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._version: int | None = None

    def read_if_changed(self) -> StoreState | None:
        """The state if another connection has committed since the last call, else None.

        The first call gives it always. What it gives holds for the running transaction: call it
        at the start of each, before anything that `State` names is used.
        """
        version = self._connection.execute("PRAGMA data_version").get
        if version == self._version:
            return None
        found = read_state(self._connection)
        self._version = version
        return found


def read_state(connection: apsw.Connection) -> StoreState:
    """The state in the file. DamagedError: `meta` is damaged."""
    return StoreState(
        read_number(connection, "bulk"),
        SearchParams(*(read_number(connection, key) for key in PARAM_KEYS)),
        read_number_or_zero(connection, "generation"),
    )
