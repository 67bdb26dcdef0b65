"""How much a disk can still take, and the message for when that is too little."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rm_local.disk_space import REMEDY, count_free_bytes, require_free_bytes
from rm_local.errors import RmLocalError, StoreError


@pytest.fixture
def one_megabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every disk has a million bytes free."""
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)


def test_a_folder_that_does_not_exist_is_on_the_disk_of_its_parents(tmp_path: Path) -> None:
    """A cache may be made later; a file that is in the way has a disk too."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "a" / "b", tmp_path / "file" / "c", Path("not-there")):
        assert count_free_bytes(path) > 0


@pytest.mark.usefixtures("one_megabyte")
def test_too_little_is_an_error_of_the_callers_kind(tmp_path: Path) -> None:
    """The message has what is needed and what is free; the remedy is the caller's, or general."""
    with pytest.raises(StoreError) as caught:
        require_free_bytes(tmp_path, 2_500_000, "The build", error=StoreError)

    assert caught.value.message == (
        f"The build needs 2.5 MB on the disk of {tmp_path}, of which 1.0 MB are free."
    )
    assert caught.value.remedy == REMEDY
    with pytest.raises(RmLocalError, match="Copy it elsewhere"):
        require_free_bytes(tmp_path, 2_500_000, "The build", remedy="Copy it elsewhere.")


@pytest.mark.usefixtures("one_megabyte")
def test_what_is_written_already_counts(tmp_path: Path) -> None:
    """A resumed operation needs only the rest; exactly enough is enough."""
    require_free_bytes(tmp_path, 1_000_000, "The build")
    require_free_bytes(tmp_path, 2_500_000, "The build", already_used=1_500_000)

    with pytest.raises(RmLocalError):
        require_free_bytes(tmp_path, 2_500_000, "The build", already_used=1_499_999)
