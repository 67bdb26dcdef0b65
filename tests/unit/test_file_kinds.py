"""What a path holds is known before it is opened: opening a pipe would wait forever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local.errors import ModelNotFoundError, RmLocalError, StoreError
from rm_local.file_kinds import FILE, describe_missing_file, name_file_kind
from rm_local.gguf import hash_adapter_file
from rm_local.gguf.header import read_header
from rm_local.sessions.format import open_session_file
from rm_local.store.store import Store
from tests.support import special_files
from tests.support.special_files import NO_FILES

EVERY_KIND = pytest.mark.parametrize("make", NO_FILES)


def test_a_file_is_a_file(tmp_path: Path) -> None:
    """Also through a link."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")

    assert name_file_kind(tmp_path / "file") == name_file_kind(tmp_path / "link") == FILE
    assert describe_missing_file(tmp_path / "link") == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (special_files.make_pipe, "is a pipe"),
        (special_files.make_socket, "is a socket"),
        (special_files.make_folder, "is a folder"),
        (special_files.endless_device, "is a device"),
        (special_files.make_loop, "symbolic links"),
        (special_files.make_long_path, "name too long"),
        (special_files.make_deep_path, "name too long"),
        (lambda folder: folder / "nothing", "does not exist"),
    ],
)
def test_what_is_no_file_is_named(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    """By its kind, or by the reason of the system."""
    assert words in describe_missing_file(make(tmp_path))


@EVERY_KIND
def test_no_model_adapter_session_or_store_waits_for_it(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Each is refused at once with the path, also where opening it would wait, or never end."""
    path = make(tmp_path)

    with pytest.raises(ModelNotFoundError, match="model"):
        read_header(path)
    with pytest.raises(ModelNotFoundError, match="adapter"):
        read_header(path, noun="adapter")
    with pytest.raises(ModelNotFoundError, match="The adapter"):
        hash_adapter_file(path)
    with pytest.raises(RmLocalError):
        open_session_file(path)
    with pytest.raises(StoreError, match="store"):
        Store.open(path)
