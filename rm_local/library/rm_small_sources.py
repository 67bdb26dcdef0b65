"""Where the two files are that rm-small is made of. A start of the app asks; no file is read."""

from __future__ import annotations

from pathlib import Path

from rm_local import paths
from rm_local.errors import ModelMissing
from rm_local.library.smollm2 import find_smollm2


def find_sources() -> tuple[Path, Path]:
    """The base and the adapter: a search for a package, and a stat of each file.

    Raises:
        ModelMissing: One of them is not installed.
    """
    base, adapter = find_smollm2(), paths.shipped_adapter()
    if not adapter.is_file():
        raise ModelMissing(f"{adapter}, rm-small's adapter, is missing.", "Install rm-local again.")
    return base, adapter
