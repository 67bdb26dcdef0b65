"""Loads apsw and sqlite-vec when a store is first opened."""

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
    """Import apsw, and on first import turn off SQLite's memory statistics.

    They take one lock for every allocation, which slows two readers down, and can be turned off
    only before the process opens a connection.

    Raises:
        StoreError: apsw cannot be loaded.
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
    """Load sqlite-vec, which provides vec0 tables, into a connection.

    Raises:
        StoreError: sqlite-vec cannot be loaded.
    """
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
