"""Finds the two source files of rm-small. Every start does this, so no file is read."""

from __future__ import annotations

from pathlib import Path

from rm_local import paths
from rm_local.errors import ModelNotFoundError
from rm_local.library.smollm2 import find_smollm2


def find_sources() -> tuple[Path, Path]:
    """Find the base and the adapter: one search for a package, one stat of each file.

    Raises:
        ModelNotFoundError: A source file is not installed.
    """
    base, adapter = find_smollm2(), paths.shipped_adapter()
    if not adapter.is_file():
        raise ModelNotFoundError(
            f"{adapter}, rm-small's adapter, is missing.", "Install rm-local again."
        )
    return base, adapter
