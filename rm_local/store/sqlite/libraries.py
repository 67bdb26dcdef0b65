"""The two libraries that the store stands on, loaded when a store is first opened."""

from __future__ import annotations

import sys
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING

from rm_local.errors import StoreError

if TYPE_CHECKING:
    import apsw

_LOADING = Lock()


def load_apsw() -> None:
    """Import apsw, which is set up when this is the first to do so. StoreError: it cannot be.

    SQLite counts what it allocates under one lock, in which two readers meet all the time. Nobody
    asks for the count, and it can be turned off only before the process has a connection.
    """
    with _LOADING:
        first = "apsw" not in sys.modules
        try:
            apsw = import_module("apsw")
        except ImportError as error:
            raise StoreError(
                f"The store needs apsw, which cannot be loaded: {error}.",
                "Install it: python -m pip install --force-reinstall apsw",
            ) from error
        if first:
            apsw.shutdown()
            apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
            apsw.initialize()


def load_sqlite_vec(connection: apsw.Connection) -> None:
    """Make vec0 tables known to a connection. StoreError: sqlite-vec cannot be loaded."""
    import apsw

    try:
        library = import_module("sqlite_vec").loadable_path()
        connection.enable_load_extension(True)
        connection.load_extension(library)
        connection.enable_load_extension(False)
    except (ImportError, apsw.Error) as error:
        raise StoreError(
            f"The store needs sqlite-vec, which cannot be loaded: {error}.",
            "Install it: python -m pip install --force-reinstall sqlite-vec",
        ) from error
