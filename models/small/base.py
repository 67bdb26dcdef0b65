"""SmolLM2-135M-Instruct for training and tests: found in its package, and checked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rm_local import library


@cache
def find_smollm2() -> Path:
    """The model's GGUF, 98 MB, checked once per process.

    Raises:
        ModelNotFoundError: The package is not installed, or its file is not there.
        InvalidModelError: The file is not the published one.
    """
    path = library.find_smollm2_file()
    library.check_smollm2_hash(path)
    return path
