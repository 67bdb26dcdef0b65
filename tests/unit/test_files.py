"""Files that are complete under their name, or not there at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local import files
from rm_local.files import create_part_file_to_be_renamed, write_atomically, write_bytes_atomically

KILLED = """
import os, signal, sys
from pathlib import Path
from rm_local.files import write_atomically

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(os, sys.argv[2], kill)
with write_atomically(Path(sys.argv[1])) as file:
    file.write(b"new" * 1000)
"""

FULL = """
import resource, sys
from pathlib import Path
from rm_local.files import write_bytes_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    write_bytes_atomically(Path(sys.argv[1]), bytes(1 << 20))
except OSError as error:
    print(error.strerror)
"""

posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX system")


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def names(folder: Path) -> list[str]:
    """What is in the folder, in order, but for the test's own home."""
    return sorted(each for each in os.listdir(folder) if each not in ("home", "rm-local"))


def test_a_file_gets_its_content_when_it_is_complete(tmp_path: Path) -> None:
    """Until the body ends the old content is read; nothing else is left in the folder."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    with write_atomically(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"

    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever ends the body, the old content stays, and no part of the new one is left."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def fail() -> None:
        with write_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


@posix
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_killed_write_leaves_the_old_file_and_one_part(tmp_path: Path, step: str) -> None:
    """The process is killed before the sync and before the rename; the next write clears up."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    assert run(KILLED, path, step).returncode == -9
    assert path.read_bytes() == b"old"
    assert len(names(tmp_path)) == 2

    assert run(KILLED, path, step).returncode == -9
    assert len(names(tmp_path)) == 2, "a second killed write adds no file to the first"

    write_bytes_atomically(path, b"newest")
    assert path.read_bytes() == b"newest"
    assert names(tmp_path) == ["a.json"]


@posix
def test_a_killed_first_write_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    """Where there was no file there is none afterwards."""
    run(KILLED, tmp_path / "a.json", "replace")

    assert not (tmp_path / "a.json").exists()


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The system's own error is raised, and what was written is removed."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    done = run(FULL, path)

    assert done.stdout.strip() == os.strerror(27), done.stderr  # EFBIG, as of a full quota
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The link stays a link, and the file that it points to has the new content."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real.toml", tmp_path / "link.toml"
    link.symlink_to(target)

    write_bytes_atomically(link, b"first")
    write_bytes_atomically(link, b"second")

    assert link.is_symlink()
    assert target.read_bytes() == b"second"
    assert names(tmp_path / "elsewhere") == ["real.toml"]


@posix
def test_permissions_of_a_file_are_kept(tmp_path: Path) -> None:
    """An existing file keeps its mode; a new one has the mode that the process gives new files."""
    old, plain = tmp_path / "old", tmp_path / "plain"
    old.touch()
    old.chmod(0o640)
    plain.touch()

    write_bytes_atomically(old, b"secret")
    write_bytes_atomically(tmp_path / "new", b"open")

    assert old.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode == plain.stat().st_mode


def test_two_writers_at_a_time_keep_out_of_each_others_way(tmp_path: Path) -> None:
    """Each content is whole, the last to finish wins, and a write in progress is not cleared up."""
    path = tmp_path / "a.json"

    with write_atomically(path) as slow:
        slow.write(b"slow" * 1000)
        with write_atomically(path) as quick:
            quick.write(b"quick")
        assert path.read_bytes() == b"quick"
        slow.write(b"end")

    assert path.read_bytes() == b"slow" * 1000 + b"end"
    assert names(tmp_path) == ["a.json"]


def test_only_parts_of_the_same_name_are_cleared_up(tmp_path: Path) -> None:
    """What others left, and what only looks alike, stays."""
    others = ["b.0123abcd.part", "a.json.part", "a.json.0123abcd.part2", "xa.json.0123abcd.part"]
    for name in others:
        (tmp_path / name).touch()

    write_bytes_atomically(tmp_path / "a.json", b"")

    assert names(tmp_path) == sorted([*others, "a.json"])


@posix
def test_a_part_removed_before_its_lock_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer may clear up between creation and lock; the write takes a new part then."""
    import fcntl

    lock, removed = fcntl.flock, list[Path]()

    def remove_first(handle: int, operation: int) -> None:
        if not removed:
            removed.extend(tmp_path.glob("*.part"))
            removed[0].unlink()
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)

    write_bytes_atomically(tmp_path / "a.json", b"whole")

    assert len(removed) == 1
    assert (tmp_path / "a.json").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.json"]


def test_a_part_can_be_renamed_by_its_user(tmp_path: Path) -> None:
    """A part that took another name is kept; one that did not is removed."""
    with create_part_file_to_be_renamed(tmp_path / "model") as part:
        part.write_bytes(b"weights")
        files.rename_and_sync_parent(part, tmp_path / "model-1.gguf")
    with create_part_file_to_be_renamed(tmp_path / "model"):
        pass

    assert names(tmp_path) == ["model-1.gguf"]
