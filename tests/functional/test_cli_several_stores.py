"""Several stores, named by options or settings and searched as one, over real stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local import paths
from rm_local.store import EmbedderId, Store
from tests.support.static_stores import (
    OWN,
    SHIPPED,
    run,
    search,
    ship,
    static_store,
    write_lines,
)
from tests.support.stores import toy_store


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped store of three entries."""
    return ship(monkeypatch, static_store(tmp_path / "seed.rms", SHIPPED))


def test_several_stores_are_searched_as_one(shipped: Path, tmp_path: Path) -> None:
    """By options or settings, in place of the usual ones; equal names get numbers."""
    (tmp_path / "b").mkdir()
    one = static_store(tmp_path / "s.rms", OWN[:1])
    other = static_store(tmp_path / "b" / "s.rms", OWN[1:])

    both: list[str | Path] = ["--store", one, "--store", other]
    assert search("boat rent", *both)[0] == ("s-1", OWN[0])
    assert search("zorbomatic", *both)[0] == ("s-2", OWN[1])
    assert len(search("how", *both, "--store", one)) == 2
    assert search("how", "--store", one) == [("", OWN[0])]
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text(f"stores = ['{one}', '{shipped}']\n")
    assert [store for store, _ in search("boat rent")] == ["s", "shipped", "shipped", "shipped"]


@pytest.mark.parametrize("by", ["options", "settings"])
def test_the_usual_stores_have_names(
    shipped: Path, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They can be searched next to others; the own store takes part once it is made."""
    team = static_store(tmp_path / "team.rms", OWN[:1])
    names = ["shipped", "own", str(team)]
    if by == "settings":
        paths.config_file().parent.mkdir(parents=True)
        paths.config_file().write_text(f"stores = {names}\n")
    options = [part for name in names for part in ("--store", name)] if by == "options" else []
    assert {store for store, _ in search("how", *options)} == {"shipped", "team"}

    done = run("store", "import", write_lines(tmp_path / "l.jsonl", OWN[1:]), *options)
    assert f"{paths.own_store()}: 1 added" in done.stdout
    assert {store for store, _ in search("how", *options)} == {"shipped", "own", "team"}
    assert search("how", "--store", "own") == [("", OWN[1])]
    assert run("store", "optimize", "--store", "shipped").exit_code == 4
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    assert search("how", "--store", "own") == [("", OWN[1])]
    (tmp_path / "own").rmdir()
    static_store(tmp_path / "own", SHIPPED[:1])
    assert search("how", "--store", "own") == [("", SHIPPED[0])]
    monkeypatch.setenv("RM_LOCAL_STORE", "./own")
    assert search("how") == [("", SHIPPED[0])]
    monkeypatch.setenv("RM_LOCAL_STORE", "own")
    assert search("how") == [("", OWN[1])]


def test_an_entry_of_two_stores_is_one_hit(shipped: Path, tmp_path: Path) -> None:
    """Of the first store that has it, word for word."""
    copy = static_store(tmp_path / "copy.rms", [SHIPPED[1], *OWN])

    found = search("fractions", "--store", shipped, "--store", copy)

    assert len(found) == 5
    assert found[0] == ("shipped", SHIPPED[1])


@pytest.mark.parametrize("command", [["search", "how"], ["store", "export", "--vectors", "v.npy"]])
def test_named_stores_need_one_embedder(
    shipped: Path, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Similarities of two embedders cannot be compared."""
    monkeypatch.chdir(tmp_path)
    other = toy_store(tmp_path / "toy.rms")

    done = run(*command, "--store", shipped, "--store", other)

    assert done.exit_code in (2, 4)
    assert "embedder" in done.stderr or "cannot be compared" in done.stderr
    assert not (tmp_path / "v.npy").exists()


@pytest.mark.parametrize("missing", [0, 1])
def test_a_named_store_that_is_missing_is_an_error(
    shipped: Path, missing: int, tmp_path: Path
) -> None:
    """It was asked for by name; nothing is left out silently."""
    files = [shipped, static_store(tmp_path / "b.rms", OWN)]
    files[missing] = tmp_path / "none.rms"

    done = run("search", "how", "--store", files[0], "--store", files[1])

    assert (done.exit_code, "There is no store at" in done.stderr) == (4, True)


def test_verify_says_for_each_store_what_helps(shipped: Path, tmp_path: Path) -> None:
    """A missing one cannot be repaired, a damaged one can."""
    missing, damaged = tmp_path / "none.rms", static_store(tmp_path / "cut.rms", OWN)
    damaged.write_bytes(damaged.read_bytes()[:-4096])

    done = run("store", "verify", "--store", missing, "--store", damaged, "--store", shipped)

    assert done.exit_code == 4
    assert "Check the path, or make one." in done.stderr
    assert done.stderr.count("--repair") == 1
    assert f"store verify --repair --store {damaged}" in done.stderr


def test_which_of_several_named_stores_is_changed(shipped: Path, tmp_path: Path) -> None:
    """The one that can be; where two can, the user has to name it."""
    lines = write_lines(tmp_path / "mine.jsonl", OWN)
    one = static_store(tmp_path / "one.rms", SHIPPED[:1])
    other = static_store(tmp_path / "other.rms", SHIPPED[:1])

    done = run("store", "import", lines, "--store", shipped, "--store", one)
    assert f"{one}: 2 added" in done.stdout
    done = run("store", "import", lines, "--store", one, "--store", other)
    assert (done.exit_code, "Name the one to change" in done.stderr) == (2, True)
    one.chmod(0o444)  # read-only for the superuser, too
    done = run("store", "import", lines, "--store", one, "--store", other)
    assert f"{other}: 2 added" in done.stdout
    assert not paths.own_store().exists()


def test_an_embedder_id_is_compared_whole(shipped: Path, tmp_path: Path) -> None:
    """The same name with other weights is another embedder."""
    with Store.open(shipped) as store:
        id = store.read_info().embedder
    path = tmp_path / "other.rms"
    with Store.create(path, embedder=EmbedderId(id.id, id.dimension, "1" * 64)):
        pass

    assert run("search", "how", "--store", shipped, "--store", path).exit_code == 4
