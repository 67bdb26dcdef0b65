"""What can be read only once is recognized, checked before it is read, and copied."""

from __future__ import annotations

import gzip
import io
import os
import pty
import shutil
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import zstandard
from filelock import FileLock

from rm_local.errors import StoreError, UsageError
from rm_local.store.exchange.compressed_input import open_decompressed_input
from rm_local.store.exchange.inputs import (
    check_inputs_are_readable,
    copy_and_hash_decompressed,
    needs_copy_for_random_access,
)
from rm_local.temporary_folder import make_temporary_folder

DATA = b'{"subproblem": "How?"}\n' * 5000


def pack_in_frames(data: bytes) -> bytes:
    """Two frames after one that is skipped, as `pzstd` writes them."""
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0note"
    return skipped + zstandard.compress(data[:100]) + zstandard.compress(data[100:])


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A named pipe without a reader or a writer."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "packed", [bytes, gzip.compress, zstandard.compress, pack_in_frames, lambda data: data[:1]]
)
def test_a_stream_is_unpacked_by_its_first_bytes(fifo: Path, packed: object) -> None:
    """Whatever it is called, and also when it is shorter than a mark."""
    assert callable(packed)
    sent = packed(DATA)
    writer = Thread(target=fifo.write_bytes, args=(sent,))
    writer.start()
    with open_decompressed_input(fifo) as file:
        assert file.read() == (DATA if len(sent) > 1 else sent)
    writer.join()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_stream_that_is_cut_short_is_refused(fifo: Path, pack: object) -> None:
    """A packed stream of which the end is missing is named."""
    assert callable(pack)
    writer = Thread(target=fifo.write_bytes, args=(pack(DATA)[:-5],))
    writer.start()
    with (
        pytest.raises(UsageError, match="fifo cannot be unpacked"),
        open_decompressed_input(fifo) as file,
    ):
        file.read()
    writer.join()


def test_a_file_is_copied_only_when_it_has_to_be(tmp_path: Path, fifo: Path) -> None:
    """A plain file is read where it is; packed files, pipes and descriptors are copied."""
    plain = tmp_path / "a.jsonl"
    plain.write_bytes(DATA)
    copied = [fifo, tmp_path / "a.zst", Path("-"), Path("/dev/stdin"), Path("/dev/fd/0")]
    assert [needs_copy_for_random_access(path) for path in [plain, *copied]] == [False] + [True] * 5


def test_one_stream_cannot_be_named_twice(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe by its name, standard input by any of its names; a file can."""
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin, open(writing, "wb"):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stdin, fileno=lambda: reading))
        for names in ((fifo, fifo), ("-", "-"), ("-", f"/dev/fd/{reading}")):
            with pytest.raises(UsageError, match="named twice"):
                check_inputs_are_readable(list(map(Path, names)))
        check_inputs_are_readable([fifo, Path("-"), Path(__file__), Path(__file__)])


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As standard input and by its name; so is a standard input that is closed."""
    leader, follower = pty.openpty()
    try:
        with open(follower, "rb", closefd=False) as stdin:
            fake_stdin = SimpleNamespace(buffer=stdin, fileno=lambda: follower)
            monkeypatch.setattr("sys.stdin", fake_stdin)
            for path in (Path("-"), Path(os.ttyname(follower))):
                with pytest.raises(UsageError, match="is a terminal"):
                    check_inputs_are_readable([path])
    finally:
        os.close(leader)
        os.close(follower)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="is closed"):
        check_inputs_are_readable([Path("-")])


def test_a_file_that_does_not_exist_is_named_before_any_is_read(tmp_path: Path) -> None:
    """Also when it is the last one."""
    with pytest.raises(UsageError, match=r"no\.jsonl cannot be read"):
        check_inputs_are_readable([Path(__file__), tmp_path / "no.jsonl"])


def test_a_copy_leaves_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that does not fit is refused by its name, and no part of it stays."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(DATA)))
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(StoreError, match="no room for a copy of standard input"):
        copy_and_hash_decompressed(Path("-"), tmp_path / "copy", lambda _: (b"", 1 << 30))
    assert not any(tmp_path.glob("copy*"))


def test_a_temporary_folder_goes_and_takes_abandoned_ones_along(tmp_path: Path) -> None:
    """One that a living process uses stays; after an error it goes, too."""
    abandoned, used = tmp_path / "abandoned", tmp_path / "used"
    for folder in (abandoned, used):
        folder.mkdir()
        (folder / "lines.zst.0123abcd.part").write_bytes(DATA)
    made: list[Path] = []

    def fail() -> None:
        with make_temporary_folder(tmp_path) as folder:
            made.append(folder)
            (folder / "copy").write_bytes(DATA)
            assert folder.parent == tmp_path
            assert not abandoned.exists()
            raise KeyError

    with FileLock(used / "lock"), pytest.raises(KeyError):
        fail()
    assert not made[0].exists()
    assert used.exists()


def test_a_temporary_folder_is_had_where_the_place_cannot_be_written_to(tmp_path: Path) -> None:
    """The system's own place takes it then, and it goes from there as well."""
    (tmp_path / "file").write_bytes(b"")
    with make_temporary_folder(tmp_path / "file" / "import") as folder:
        (folder / "copy").write_bytes(DATA)
        assert tmp_path not in folder.parents
    assert not folder.exists()
