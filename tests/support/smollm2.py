"""SmolLM2-135M-Instruct for the tests, or the reason why they are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.small.base import find_smollm2
from rm_local.errors import ModelMissing


def require_smollm2() -> Path:
    """The model's GGUF. Skips the test when the package is not installed; the test extra has it."""
    try:
        return find_smollm2()
    except ModelMissing as error:
        pytest.skip(f"{error.message} {error.remedy}")
