"""rm-small's base is found in its package, and the package is not imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.library import check_smollm2_hash, find_smollm2_file, smollm2
from tests.support.rm_small import install_package, remove_package


def test_the_file_is_found_without_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package's own code does not run, and the file's hash can be checked."""
    path = install_package(tmp_path, monkeypatch, b"weights")

    assert find_smollm2_file() == path
    check_smollm2_hash(path)
    assert smollm2.PACKAGE not in sys.modules


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has both hashes."""
    path = install_package(tmp_path, monkeypatch, b"weights")
    path.write_bytes(b"other weights")

    with pytest.raises(InvalidModelError, match=smollm2.SMOLLM2_SHA256) as caught:
        check_smollm2_hash(path)

    assert "rm-local[small]" in caught.value.remedy


def test_a_package_without_the_file_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the file, and the remedy is the command that installs it."""
    path = install_package(tmp_path, monkeypatch, b"weights")
    path.unlink()

    with pytest.raises(ModelNotFoundError, match=path.name) as caught:
        find_smollm2_file()

    assert "rm-local[small]" in caught.value.remedy


def test_a_package_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is the command that installs it."""
    remove_package(monkeypatch)

    with pytest.raises(ModelNotFoundError, match="not installed") as caught:
        find_smollm2_file()

    assert "rm-local[small]" in caught.value.remedy


def test_a_file_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    """As when it is removed between two steps."""
    with pytest.raises(ModelNotFoundError, match="cannot be read"):
        check_smollm2_hash(tmp_path / "removed.gguf")
