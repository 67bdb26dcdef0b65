"""The user's own store, and several stores searched as one, over real stores."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rm_local import paths
from rm_local.store import Store
from tests.support.static_stores import (
    OWN,
    SHIPPED,
    run,
    search,
    ship,
    start_command,
    static_store,
    write_lines,
)
from tests.support.stores import toy_store
from tests.support.watchdog import HANG_SECONDS

Damage = Callable[[Path], None]
CHANGES = [["optimize"], ["compact"], ["verify", "--repair"]]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped store of three entries, alone in its folder."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    return ship(monkeypatch, static_store(folder / "seed.rms", SHIPPED))


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A file of two entries."""
    return write_lines(tmp_path / "mine.jsonl", OWN)


def read_folder(path: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of each file next to `path`."""
    files = path.parent.iterdir()
    return {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in files}


def test_the_first_import_makes_the_own_store(shipped: Path, lines: Path) -> None:
    """Both stores are searched then, and each hit says where it is; the shipped one stays."""
    before = read_folder(shipped)
    assert search("boat rent")[0][0] == ""

    done = run("store", "import", lines)

    assert done.exit_code == 0, done.output
    assert f"{paths.own_store()}: 2 added" in done.stdout
    assert search("boat rent")[0] == ("own", OWN[0])
    assert search("kinetic energy")[0] == ("shipped", SHIPPED[0])
    assert len(search("how")) == 5
    shown = run("search", "-k", "1", "boat rent").stdout
    assert "entry 1 of own" in shown
    assert read_folder(shipped) == before


def test_the_own_store_has_the_embedder_of_the_shipped_one(shipped: Path, lines: Path) -> None:
    """One vector of a query serves both; rare words are found by name."""
    run("store", "import", lines)

    with Store.open(shipped) as one, Store.open(paths.own_store()) as other:
        assert one.read_info().embedder == other.read_info().embedder
    assert search("zorbomatic")[0] == ("own", OWN[1])


@pytest.mark.parametrize("text", ["", "no JSON\n", '{"subproblem": "How?"}\n'])
def test_an_import_that_is_refused_makes_no_store(shipped: Path, text: str, tmp_path: Path) -> None:
    """The files are checked first."""
    file = tmp_path / "bad.jsonl"
    file.write_text(text)

    assert run("store", "import", file).exit_code == 2
    assert not paths.own_store().exists()


def test_an_import_with_wrong_vectors_makes_no_store(
    shipped: Path, lines: Path, tmp_path: Path
) -> None:
    """They are checked first, too; those of the shipped store's dimension are taken."""
    vectors = tmp_path / "v.npy"
    np.save(vectors, np.ones((2, 8), np.float32))
    done = run("store", "import", lines, "--embeddings", vectors)
    assert (done.exit_code, "not (2, 256)" in done.stderr) == (2, True)
    assert not paths.own_store().exists()

    np.save(vectors, np.ones((2, 256), np.float32))
    assert "2 added" in run("store", "import", lines, "--embeddings", vectors).stdout


@pytest.mark.parametrize("named", [[], ["--store", "own"]])
@pytest.mark.parametrize("change", CHANGES)
def test_without_a_store_of_ones_own_there_is_nothing_to_change(
    shipped: Path, change: list[str], named: list[str]
) -> None:
    """The message says how to make it, also if it is named."""
    done = run("store", *change, *named)

    assert done.exit_code == 2
    assert "You have no store of your own yet." in done.stderr
    assert "store import FILE" in done.stderr


@pytest.mark.parametrize("change", CHANGES)
def test_changes_without_a_name_are_of_the_own_store(
    shipped: Path, lines: Path, change: list[str]
) -> None:
    """The shipped store and its folder stay as they were."""
    run("store", "import", lines)
    before = read_folder(shipped)

    done = run("store", *change)

    assert done.exit_code == 0, done.output
    assert read_folder(shipped) == before
    assert len(search("how")) == 5


@pytest.mark.parametrize("change", [*CHANGES, ["import", "LINES"]])
@pytest.mark.parametrize("name", ["path", "link", "before", "settings", "environment"])
def test_the_shipped_store_is_not_changed(
    shipped: Path,
    lines: Path,
    change: list[str],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However it is named: one message, exit code 4, and no file next to it."""
    before = read_folder(shipped)
    command = ["store", *(str(lines) if each == "LINES" else each for each in change)]
    if name == "link":
        (tmp_path / "link.rms").symlink_to(shipped)
        command += ["--store", str(tmp_path / "link.rms")]
    elif name == "path":
        command += ["--store", str(shipped)]
    elif name == "before":
        command = ["--store", os.path.relpath(shipped), *command]
    elif name == "settings":
        paths.config_file().parent.mkdir(parents=True)
        paths.config_file().write_text(f"stores = ['{shipped}']\n")
    else:
        monkeypatch.setenv("RM_LOCAL_STORE", str(shipped))

    done = run(*command)

    assert done.exit_code == 4
    assert done.stderr.count("error: ") == 1
    assert "comes with rm-local and is read-only" in done.stderr
    assert read_folder(shipped) == before


def test_reading_the_shipped_store_writes_nothing(shipped: Path, tmp_path: Path) -> None:
    """Neither the file nor its folder."""
    before = read_folder(shipped)
    out = tmp_path / "out.jsonl"
    for command in (
        ["search", "energy"],
        ["store", "info"],
        ["store", "verify"],
        ["store", "export", "--out", out],
        ["store", "diff", shipped, shipped],
        ["doctor"],
    ):
        assert run(*command).exit_code == 0, command

    assert read_folder(shipped) == before


def test_an_upgrade_brings_entries_and_keeps_the_users(
    shipped: Path, lines: Path, tmp_path: Path
) -> None:
    """The new shipped entries are found, the own store is the same file."""
    run("store", "import", lines)
    search("boat rent")
    before = read_folder(paths.own_store())
    newer = static_store(tmp_path / "newer.rms", [*SHIPPED[:2], "How to weigh a wombat?"])

    newer.replace(shipped)

    assert search("wombat")[0] == ("shipped", "How to weigh a wombat?")
    assert search("boat rent")[0] == ("own", OWN[0])
    assert all(subproblem != SHIPPED[2] for _, subproblem in search("shortest path"))
    assert read_folder(paths.own_store()) == before


def cut_file(path: Path) -> None:
    """The last half is lost."""
    os.truncate(path, path.stat().st_size // 2)


def overwrite_file(path: Path) -> None:
    """Something else is there."""
    path.write_bytes(b"no store" * 1000)


def damage_pages(path: Path) -> None:
    """The file has its header; its other pages are noise."""
    noise = np.random.default_rng(0).bytes(path.stat().st_size - 4096)
    path.write_bytes(path.read_bytes()[:4096] + noise)


def damage_texts(path: Path) -> None:
    """It opens, and fails when texts are read."""
    import apsw

    database = apsw.Connection(str(path))
    database.execute("UPDATE text SET z = zeroblob(50)")
    database.close()


def make_folder(path: Path) -> None:
    """A folder in place of the file."""
    path.unlink()
    path.mkdir()


def make_of_other_embedder(path: Path) -> None:
    """As if an upgrade had brought another embedder."""
    path.unlink()
    toy_store(path)


@pytest.mark.parametrize(
    "damage",
    [cut_file, overwrite_file, damage_pages, damage_texts, make_folder, make_of_other_embedder],
)
def test_a_damaged_own_store_does_not_stop_the_shipped_one(
    shipped: Path, lines: Path, damage: Damage
) -> None:
    """It is left out with one notice; commands on it alone end with exit code 4."""
    run("store", "import", lines)
    damage(paths.own_store())

    done = run("search", "--json", "boat rent or kinetic energy")

    assert done.exit_code == 0, done.output
    assert {hit["subproblem"] for hit in json.loads(done.stdout)["hits"]} == set(SHIPPED)
    assert done.stderr.count("warning: ") == 1
    assert str(paths.own_store()) in done.stderr
    assert run("search", "boat", "--store", paths.own_store()).exit_code == 4


@pytest.mark.parametrize("damage", [cut_file, overwrite_file, damage_pages])
def test_a_damaged_shipped_store_does_not_stop_the_own_one(
    shipped: Path, lines: Path, damage: Damage
) -> None:
    """The other way round; and verify reports it."""
    run("store", "import", lines)
    damage(shipped)

    done = run("search", "--json", "boat rent")

    assert (done.exit_code, done.stderr.count("warning: ")) == (0, 1), done.output
    assert len(json.loads(done.stdout)["hits"]) == 2
    verified = run("store", "verify", "--json")
    assert verified.exit_code == 4
    assert [bool(each["faults"]) for each in json.loads(verified.stdout)["stores"]] == [True, False]
    assert "Reinstall rm-local" in verified.stderr
    for refused in (verified, run("search", "boat", "--store", shipped)):
        assert "--repair" not in refused.stderr


def test_a_data_folder_that_cannot_be_written_to(
    shipped: Path, lines: Path, own_home: Path
) -> None:
    """The import says why and what to do; searching works."""
    own_home.mkdir()
    (own_home / "data").touch()

    done = run("store", "import", lines)

    assert done.exit_code == 4
    assert "Your own store cannot be made:" in done.stderr
    assert "RM_LOCAL_HOME" in done.stderr
    assert search("kinetic energy")[0] == ("", SHIPPED[0])


def test_an_own_store_that_cannot_be_written_to_is_searched(shipped: Path, lines: Path) -> None:
    """Its entries are found, and an import is refused."""
    run("store", "import", lines)
    paths.own_store().chmod(0o400)

    assert search("boat rent")[0] == ("own", OWN[0])
    done = run("store", "import", lines)
    assert (done.exit_code, "cannot be written to" in done.stderr) == (4, True)


def test_two_first_imports_at_the_same_time(shipped: Path, tmp_path: Path) -> None:
    """Both make the own store, one comes first, and all entries are there."""
    files = [write_lines(tmp_path / f"{place}.jsonl", [each]) for place, each in enumerate(OWN)]

    started = [start_command(shipped, "store", "import", str(file)) for file in files]
    ended = [(each.communicate(timeout=HANG_SECONDS), each.returncode) for each in started]

    assert [code for _, code in ended] == [0, 0], ended
    assert {subproblem for store, subproblem in search("how") if store == "own"} == set(OWN)
    assert os.listdir(paths.own_store().parent) == ["own.rms"]
    assert run("store", "verify").exit_code == 0


def test_reading_commands_read_all_active_stores(
    shipped: Path, lines: Path, tmp_path: Path
) -> None:
    """info, verify, export and doctor: as text and as data."""
    run("store", "import", lines)
    own = paths.own_store()

    for shown in (run("store", "info").stdout, run("store", "verify").stdout, run("doctor").stdout):
        assert str(shipped) in shown
        assert str(own) in shown
    info = json.loads(run("store", "info", "--json").stdout)
    assert (info["path"], info["entries"]) == (str(shipped), 3)
    assert [(each["name"], each["entries"]) for each in info["stores"]] == [
        ("shipped", 3),
        ("own", 2),
    ]
    assert json.loads(run("store", "verify", "--json").stdout)["entries"] == 5
    exported = run("store", "export", "--ids", "--vectors", tmp_path / "v.npy")
    found = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [(each["store"], each["id"]) for each in found] == [
        ("shipped", 1), ("shipped", 2), ("shipped", 3), ("own", 1), ("own", 2),
    ]  # fmt: skip
    assert np.load(tmp_path / "v.npy").shape == (5, 256)


def test_doctor_says_that_there_is_no_own_store_yet(shipped: Path) -> None:
    """And what makes it."""
    assert "rm-local store import FILE" in run("doctor").stdout


def test_a_relative_home_is_the_same_place(
    shipped: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RM_LOCAL_HOME may be relative to the working folder; the own store is made there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RM_LOCAL_HOME", "here")

    done = run("store", "import", lines)

    assert done.exit_code == 0, done.output
    assert (tmp_path / "here/data/own.rms").is_file()
