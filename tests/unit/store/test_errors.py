"""What is wrong with a store file is named, and no other file is made."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from rm_local.errors import (
    CorruptStoreError,
    EmbedderMismatchError,
    ReadOnlyStoreError,
    StoreError,
    StoreNotFoundError,
    StoreVersionError,
)
from rm_local.store.format import EmbedderId
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store
from tests.support.stores import TOY, entries, toy_store, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store alone in its folder."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return toy_store(folder / "toy.rms")


@pytest.fixture
def shipped(path: Path) -> Iterator[Path]:
    """The store as it is stored in site-packages: neither it nor its folder can be written to."""
    path.chmod(0o444)
    path.parent.chmod(0o555)
    yield path
    path.parent.chmod(0o755)


def test_a_missing_store_is_named_and_not_made(tmp_path: Path) -> None:
    """The message names the path; no file is made there."""
    with pytest.raises(StoreNotFoundError, match=r"no\.rms"):
        Store.open(tmp_path / "no.rms")
    assert not (tmp_path / "no.rms").exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", random.Random(0).randbytes(9000), b"GGUF" + b"\0" * 400]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    """It is said to be no store, and left as it is."""
    file = tmp_path / "other.rms"
    file.write_bytes(content)
    with pytest.raises(CorruptStoreError, match="is not a store"):
        Store.open(file)
    assert file.read_bytes() == content


def test_an_sqlite_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """An SQLite file of another program is distinguished from a store, and not touched."""
    file = tmp_path / "browser.db"
    apsw.Connection(str(file)).execute("PRAGMA journal_mode=WAL; CREATE TABLE places(url)")
    (tmp_path / "browser.db-wal").unlink(missing_ok=True)
    with pytest.raises(CorruptStoreError, match="SQLite file but not a store"):
        Store.open(file)


def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    """A folder is no store."""
    with pytest.raises(CorruptStoreError, match="folder"):
        Store.open(tmp_path)


@pytest.mark.parametrize(("version", "remedy"), [(2, "again"), (4, "Update rm-local")])
def test_another_format_version_is_refused(path: Path, version: int, remedy: str) -> None:
    """The message names both versions, the remedy depends on which is newer."""
    data = bytearray(path.read_bytes())
    data[60:64] = version.to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(StoreVersionError, match=f"format {version}; .* format 3") as caught:
        Store.open(path)
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "other",
    [
        EmbedderId("other", 16, TOY.sha256),
        EmbedderId("toy", 24, TOY.sha256),
        EmbedderId("toy", 16, "f" * 64),
    ],
)
def test_another_embedder_than_the_stores_is_refused(path: Path, other: EmbedderId) -> None:
    """Another name, dimension or hash is refused; the message names both embedders."""
    with pytest.raises(EmbedderMismatchError) as caught:
        Store.open(path, embedder=other)
    assert str(TOY) in caught.value.message
    assert str(other) in caught.value.message


@pytest.mark.parametrize("kept", [100, 512, 4096, 5000, 0.5, -4096, -1])
def test_a_truncated_store_says_how_much_is_left(path: Path, kept: float) -> None:
    """Wherever it is cut, the message says how many bytes are left of how many."""
    data = path.read_bytes()
    length = int(len(data) * kept) if isinstance(kept, float) else kept % len(data)
    path.write_bytes(data[:length])
    with pytest.raises(CorruptStoreError, match=f"truncated: {length:,} of {len(data):,} bytes"):
        Store.open(path)


def test_a_damaged_store_never_shows_sqlite(path: Path) -> None:
    """With any page overwritten, each call does its work or raises a StoreError."""
    data, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for start in range(0, len(data), 4096):
        noise = rng.randbytes(3000) if start else data[:200] + rng.randbytes(2800)
        path.write_bytes(data[:start] + noise + data[start + 3000 :])
        with suppress(StoreError):
            use_everything(path)
            continue
        refused += 1
    assert refused > 5


def use_everything(path: Path) -> None:
    """Read and write every part of the store."""
    with Store.open(path, write=True) as store:
        store.search(SearchRequest(vectors(1)[0], "zorb3"))
        store.read_vectors(range(1, 13))
        store.get(range(1, 13))
        store.read_info()
        store.add_entries(entries(1), vectors(1))


def test_a_damaged_text_is_never_another_text(path: Path) -> None:
    """A frame with one byte changed is an error."""
    database = apsw.Connection(str(path))
    frame = bytearray(database.execute("SELECT z FROM text WHERE id = 4").get)
    frame[len(frame) // 2] ^= 1
    database.execute("UPDATE text SET z = ? WHERE id = 4", (bytes(frame),))
    database.close()
    with Store.open(path) as store:
        assert store.get([3])
        with pytest.raises(CorruptStoreError, match="damaged"):
            store.get([4])


def test_an_existing_file_is_not_overwritten(path: Path) -> None:
    """`create` refuses it and leaves it as it is."""
    before = path.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        Store.create(path, embedder=TOY)
    assert path.read_bytes() == before


def test_creating_a_store_in_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """Creating a store in it is a StoreError."""
    with pytest.raises(StoreError, match="cannot be read or written"):
        Store.create(tmp_path / "nowhere" / "toy.rms", embedder=TOY)


def test_a_shipped_store_is_read_in_place(shipped: Path) -> None:
    """It is searched without another file being made, even while it is open."""
    with Store.open(shipped, embedder=TOY) as store:
        assert store.search(SearchRequest(vectors(1)[0], "zorb7"))[0]
        assert os.listdir(shipped.parent) == [shipped.name]
        assert not store.read_info().writable
    assert os.listdir(shipped.parent) == [shipped.name]


def test_reading_a_store_of_ones_own_makes_no_files(path: Path) -> None:
    """Also where it could, and the store's bytes stay the same."""
    before = path.read_bytes()
    with Store.open(path) as store:
        store.search(SearchRequest(vectors(1)[0], "zorb7"))
        assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == before


def test_a_shipped_store_is_not_opened_for_adding(shipped: Path) -> None:
    """The remedy is to copy it."""
    with pytest.raises(ReadOnlyStoreError, match="Copy it"):
        Store.open(shipped, write=True)


def test_a_store_opened_for_reading_is_not_added_to(path: Path) -> None:
    """`add_entries` says so before it does anything."""
    with Store.open(path) as store, pytest.raises(ReadOnlyStoreError, match="reading only"):
        store.add_entries(entries(1), vectors(1))


def test_a_second_writer_waits_for_the_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second writer is asked to wait, and can add once the first is done."""
    monkeypatch.setattr("rm_local.store.sqlite.connection.BUSY_MS", 1)
    other = apsw.Connection(str(path))
    with Store.open(path, write=True) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Another program"):
            store.add_entries(entries(1), vectors(1))
        other.execute("ROLLBACK")
        assert store.add_entries(entries(1), vectors(1)) == [13]
    other.close()


@pytest.mark.parametrize(("module", "package"), [("apsw", "apsw"), ("sqlite_vec", "sqlite-vec")])
def test_a_library_that_cannot_be_loaded_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    """The error names the package and the command that installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreError, match=f"needs {package}, which cannot be loaded") as caught:
        Store.open(path)
    assert caught.value.remedy.endswith(f"pip install --force-reinstall {package}")


@pytest.mark.parametrize(("before", "counted"), [("", False), ("import apsw; ", True)])
def test_memory_is_not_counted_where_that_can_be_chosen(
    path: Path, before: str, counted: bool
) -> None:
    """Who has loaded apsw before, and may have a connection, keeps it as it is."""
    asked = (
        f"{before}import sys; from rm_local.store.store import Store; "
        "store = Store.open(sys.argv[1]); import apsw; "
        "print(store.count_entries(), apsw.memory_used())"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, str(path)], capture_output=True, text=True, check=True
    )
    count, used = map(int, done.stdout.split())
    assert count > 0
    assert (used > 0) == counted
