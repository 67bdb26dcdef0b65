"""Prints the versions of the store's libraries as one JSON object.

Run `python -m rm_local.store.sqlite.library_versions`.

It runs in a separate process, because a library for another processor would crash it.
"""

from __future__ import annotations

import json


def read_library_versions() -> dict[str, str]:
    """Return the versions of SQLite, apsw, sqlite-vec (which is loaded for this) and zstandard."""
    import apsw
    import sqlite_vec
    import zstandard

    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    vectors = connection.execute("SELECT vec_version()").fetchall()[0][0]
    return {
        "sqlite": apsw.sqlite_lib_version(),
        "apsw": apsw.apsw_version(),
        "sqlite_vec": str(vectors),
        "zstandard": zstandard.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(read_library_versions()))
