"""A folder of rm-local's own is distinguished from one that the user made."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.errors import StoreError
from rm_local.work_folder import is_work_folder, make_or_reuse_work_folder, remove_if_work_folder


def test_a_folder_is_made_opened_again_and_removed(tmp_path: Path) -> None:
    """With all that is in it."""
    folder = tmp_path / "x.build"
    make_or_reuse_work_folder(folder)
    (folder / "part").write_text("half")
    make_or_reuse_work_folder(folder)

    assert (folder / "part").read_text() == "half"
    remove_if_work_folder(folder)
    assert not folder.exists()


def test_an_empty_folder_can_be_taken(tmp_path: Path) -> None:
    """Nothing is lost with it."""
    (tmp_path / "x.build").mkdir()
    make_or_reuse_work_folder(tmp_path / "x.build")

    assert is_work_folder(tmp_path / "x.build")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """It is neither used nor removed."""
    (tmp_path / "x.build").mkdir()
    (tmp_path / "x.build" / "thesis.txt").write_text("mine")

    with pytest.raises(StoreError, match="contains other files"):
        make_or_reuse_work_folder(tmp_path / "x.build")
    remove_if_work_folder(tmp_path / "x.build")

    assert (tmp_path / "x.build" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_is_no_folder_is_in_the_way(tmp_path: Path, kind: str) -> None:
    """A link is not followed: its target is somebody's folder."""
    (tmp_path / "target").mkdir()
    if kind == "file":
        (tmp_path / "x.build").write_text("mine")
    else:
        (tmp_path / "x.build").symlink_to(tmp_path / ("target" if kind == "link" else "nowhere"))

    with pytest.raises(StoreError, match="exists, but rm-local needs"):
        make_or_reuse_work_folder(tmp_path / "x.build")

    assert [*(tmp_path / "target").iterdir()] == []
