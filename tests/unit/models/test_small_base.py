"""Training and tests take the published base alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.small.base import find_smollm2
from rm_local.errors import InvalidModelError
from rm_local.library import smollm2
from tests.support.rm_small import install_package


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What was found before is not kept, and what a test finds is not kept after it."""
    find_smollm2.cache_clear()
    yield
    find_smollm2.cache_clear()


def test_the_published_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is the published one."""
    path = install_package(tmp_path, monkeypatch, b"weights")

    assert find_smollm2() == path


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is not the published one; the message has both."""
    path = install_package(tmp_path, monkeypatch, b"weights")
    path.write_bytes(b"other weights")

    with pytest.raises(InvalidModelError, match=smollm2.SMOLLM2_SHA256):
        find_smollm2()
