"""What a path holds is known before it is opened: opening a pipe would wait forever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local.engine.families.overrides import OverrideFinder
from rm_local.errors import ModelNotFoundError, RmLocalError, SettingsError, StoreError
from rm_local.file_kinds import (
    FILE,
    describe_existing_path_type,
    describe_if_not_ordinary_file,
    read_small_file,
)
from rm_local.gguf import hash_adapter_file
from rm_local.gguf.header import read_header
from rm_local.library.added import add_model
from rm_local.sessions.format import read_session_header_and_lines
from rm_local.settings import load_settings
from rm_local.store.store import Store
from tests.support import special_files
from tests.support.special_files import NO_FILES

EVERY_KIND = pytest.mark.parametrize("make", NO_FILES)


def test_a_file_is_a_file(tmp_path: Path) -> None:
    """Also through a link."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")

    assert (
        describe_existing_path_type(tmp_path / "file")
        == describe_existing_path_type(tmp_path / "link")
        == FILE
    )
    assert describe_if_not_ordinary_file(tmp_path / "link") == ""


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
    assert words in describe_if_not_ordinary_file(make(tmp_path))


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
        read_session_header_and_lines(path)
    with pytest.raises(StoreError, match="store"):
        Store.open(path)


@pytest.mark.parametrize(
    "make",
    [
        special_files.make_pipe,
        special_files.make_socket,
        special_files.make_folder,
        special_files.endless_device,
        special_files.make_loop,
    ],
)
def test_no_settings_template_or_list_waits_for_it(
    make: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that a user writes is refused by its path, whatever a link under its name is to."""
    special = make(tmp_path)
    templates = tmp_path / "templates"
    templates.mkdir()
    for path in (tmp_path / "config.toml", tmp_path / "models.json", templates / "toy.jinja"):
        path.symlink_to(special)
    added = tmp_path / "models.json"
    monkeypatch.setattr("rm_local.library.added.get_added_models_path", lambda: added)

    with pytest.raises(SettingsError, match=r"config\.toml"):
        load_settings(tmp_path / "config.toml")
    with pytest.raises(SettingsError, match=r"toy\.jinja cannot be read"):
        OverrideFinder(templates).find_template(["toy"])
    with pytest.raises(SettingsError, match=r"models\.json"):
        add_model(tmp_path / "other")


@pytest.mark.parametrize("size", [1 << 30, 1 << 40, 17 << 20])
def test_a_small_file_has_a_bound(tmp_path: Path, size: int) -> None:
    """One with holes can state any size; it is refused, and is not read into memory."""
    path = tmp_path / "config.toml"
    with path.open("wb") as file:
        file.truncate(size)

    with pytest.raises(SettingsError, match="larger than 16 MB"):
        load_settings(path)


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    """Up to its last permitted byte."""
    (tmp_path / "file").write_bytes(b"abc")
    assert read_small_file(tmp_path / "file", 3) == b"abc"
    with pytest.raises(OSError, match="larger"):
        read_small_file(tmp_path / "file", 2)
