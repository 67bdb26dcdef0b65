"""Loads apsw and sqlite-vec at the first opening of a store."""

from __future__ import annotations

import sys
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING

from rm_local.errors import StoreError

if TYPE_CHECKING:
    import apsw

_LOADING = Lock()


def load_and_configure_apsw() -> None:
    """Import apsw; at the first import also turn off SQLite's memory statistics.

    The statistics take a lock at every allocation, which slows down two readers. They can be turned
    off only before the first connection of the process.

    Raises:
        StoreError: The library apsw cannot be loaded.
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
    """Load the SQLite extension sqlite-vec (vec0 tables) into a connection.

    Raises:
        StoreError: The extension cannot be loaded.
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
