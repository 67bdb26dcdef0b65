"""Finds rm-small's base model and adapter, without reading them: it happens at every start."""

from __future__ import annotations

from pathlib import Path

from rm_local import paths
from rm_local.errors import ModelNotFoundError
from rm_local.library.smollm2 import find_smollm2_file


def find_rm_small_base_and_adapter() -> tuple[Path, Path]:
    """Return the paths of rm-small's base model and adapter; the files are not read.

    Raises:
        ModelNotFoundError: A source file is not installed.
    """
    base, adapter = find_smollm2_file(), paths.shipped_adapter()
    if not adapter.is_file():
        raise ModelNotFoundError(
            f"{adapter}, rm-small's adapter, is missing.", "Install rm-local again."
        )
    return base, adapter
