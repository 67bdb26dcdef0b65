"""Builds a store from files of entries, or adds entries of files to a store, with embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.ingest.build_store import build_from_files as build_from_files
    from rm_local.ingest.import_files import (
        import_new_entries_from_files as import_new_entries_from_files,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "build_store": ["build_from_files"],
        "import_files": ["import_new_entries_from_files"],
    },
)
