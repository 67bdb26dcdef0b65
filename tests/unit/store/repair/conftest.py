"""A store to be damaged, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.damage import ROWS
from tests.support.faults.stores import made_store


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bulk build in clusters, large enough for its bits to be asked, changed since."""
    path = tmp_path_factory.mktemp("whole") / "made.rms"
    made_store(path, ROWS)
    return path


@pytest.fixture
def path(tmp_path: Path, whole: Path) -> Path:
    """A copy of it."""
    (tmp_path / "stores").mkdir()
    return Path(shutil.copy(whole, tmp_path / "stores" / "made.rms"))
