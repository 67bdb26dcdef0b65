"""`rm-local store export | import | merge | compact | diff`, over real stores."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.records import Entry
from rm_local.store.exchange import import_entries
from rm_local.store.store import Store
from tests.support.stores import TOY, entries, toy_store, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small store."""
    return toy_store(tmp_path / "toy.rms")


def run(*arguments: str | Path) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["store", *map(str, arguments)])


def empty(path: Path) -> Path:
    """A store without entries."""
    with Store.create(path, embedder=TOY):
        return path


def lines_of(path: Path, held: list[Entry]) -> Path:
    """A file of these entries."""
    path.write_text(
        "".join(
            json.dumps({"subproblem": e.subproblem, "subroutine": e.subroutine}) + "\n"
            for e in held
        ),
        "utf-8",
    )
    return path


def test_export_gives_all_fields_in_order_of_id(path: Path) -> None:
    """One object a line on standard output, the number of lines on standard error."""
    shown = run("export", "--ids", "--store", path)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [each["id"] for each in rows] == list(range(1, 13))
    assert rows[4] == {
        "id": 5,
        "subproblem": "How to find the zorb4 of two numbers?",
        "subroutine": "I should first add 4 to both, then multiply them.",
        "domain": "math",
        "source": "test/1",
        "level": "",
        "provenance": "",
    }
    assert "12 entries written" in shown.stderr
    assert "id" not in json.loads(run("export", "--store", path).stdout.splitlines()[0])


def test_export_takes_entries_by_domain_and_source(path: Path) -> None:
    """Those of the domain and source, with their vectors in a second file."""
    file = path.with_name("some.npy")
    shown = run(
        "export",
        "--domain",
        "code",
        "--source",
        "test/0",
        "--ids",
        "--vectors",
        file,
        "--store",
        path,
    )
    ids = [json.loads(line)["id"] for line in shown.stdout.splitlines()]
    assert ids == [4, 10]
    with Store.open(path) as store:
        assert np.array_equal(np.load(file), store.read_vectors(ids))


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz", "all.jsonl.zst"])
def test_an_exported_store_is_imported_unchanged(path: Path, name: str) -> None:
    """A store filled from another one's export holds the same, also texts with half a pair."""
    odd = Entry("half a pair \ud800 é", "line\nline", "d", "s", "school", "me, CC0")
    with Store.open(path, write=True) as store:
        store.add_entries([odd], vectors(1, seed=3))
    file, rows = path.with_name(name), path.with_name("all.npy")
    assert run("export", "--out", file, "--vectors", rows, "--store", path).exit_code == 0
    other = empty(path.with_name("other.rms"))
    taken = run("import", file, "--embeddings", rows, "--store", other, "--json")
    assert json.loads(taken.stdout) == {"path": str(other), "added": 13, "there": 0}
    same = run("diff", path, other, "--json")
    assert same.exit_code == 0
    assert json.loads(same.stdout)["equal"]


def test_a_packed_file_is_the_same_each_time(path: Path) -> None:
    """And unpacks to what stands on standard output."""
    one, other = path.with_name("a.gz"), path.with_name("b.gz")
    assert (
        run("export", "--out", one, "--store", path).exit_code,
        run("export", "--out", other, "--store", path).exit_code,
    ) == (0, 0)
    assert one.read_bytes() == other.read_bytes()
    assert gzip.decompress(one.read_bytes()).decode() == run("export", "--store", path).stdout


def test_what_is_there_word_for_word_is_not_added_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what stands twice in the files, in one batch or in two; a new subroutine is."""
    monkeypatch.setattr(import_entries, "BATCH_ROWS", 7)
    all_of = entries(20)
    new = [Entry(all_of[3].subproblem, "Another way."), *all_of[5:], all_of[19], all_of[12]]
    place = {entry.subproblem: row for row, entry in enumerate(all_of)}
    rows = path.with_name("new.npy")
    np.save(
        rows, np.concatenate([vectors(12), vectors(8, seed=2)])[[place[e.subproblem] for e in new]]
    )
    file = lines_of(path.with_name("new.jsonl"), new)
    assert (
        "9 added, 9 were there" in run("import", file, "--embeddings", rows, "--store", path).stdout
    )
    assert (
        "0 added, 18 were there"
        in run("import", file, "--embeddings", rows, "--store", path).stdout
    )
    with Store.open(path) as store:
        assert (store.count_entries(), store.verify()) == (21, [])


def test_many_subroutines_of_one_subproblem_are_found_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the first look sees: each is found again."""
    many = [Entry("one subproblem", f"way {way}") for way in range(60)]
    rows = path.with_name("many.npy")
    np.save(rows, np.repeat(vectors(1, seed=7), 60, axis=0))
    file = lines_of(path.with_name("many.jsonl"), many)
    assert "60 added, 0 were" in run("import", file, "--embeddings", rows, "--store", path).stdout
    assert "0 added, 60 were" in run("import", file, "--embeddings", rows, "--store", path).stdout


def test_nothing_is_added_when_one_line_will_not_do(path: Path) -> None:
    """The second file's fault is named with its line, and the first file is not added either."""
    good = lines_of(path.with_name("good.jsonl"), entries(30)[20:])
    bad = path.with_name("bad.jsonl")
    bad.write_text('{"subproblem": "a", "subroutine": "b"}\n{"subproblem": "a"}\n')
    rows = path.with_name("rows.npy")
    np.save(rows, vectors(12))
    before = path.read_bytes()
    shown = run("import", good, bad, "--embeddings", rows, "--store", path)
    assert (shown.exit_code, "bad.jsonl, line 2: it has no subroutine" in shown.stderr) == (2, True)
    np.save(rows, vectors(3))
    shown = run("import", good, "--embeddings", rows, "--store", path)
    assert (shown.exit_code, "shape (3, 16), not (10, 16)" in shown.stderr) == (2, True)
    found = vectors(10)
    found[4] = np.nan
    np.save(rows, found)
    shown = run("import", good, "--embeddings", rows, "--store", path)
    assert (shown.exit_code, "row 4: the vector is zero or not finite" in shown.stderr) == (2, True)
    assert path.read_bytes() == before


def test_import_needs_the_stores_embedder(path: Path) -> None:
    """Where it is not here, vectors have to be given."""
    file = lines_of(path.with_name("new.jsonl"), entries(3))
    shown = run("import", file, "--store", path)
    assert (shown.exit_code, "--embeddings FILE.npy" in shown.stderr) == (4, True)


def test_an_export_is_there_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What exists is not written over, and what stops leaves no file."""
    out, rows = path.with_name("all.jsonl.zst"), path.with_name("all.npy")
    monkeypatch.setattr(Store, "read_vectors", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    shown = run("export", "--out", out, "--vectors", rows, "--store", path)
    assert shown.exit_code == 130
    assert os.listdir(path.parent).count("toy.rms") == 1
    assert not [*path.parent.glob("all*")]
    monkeypatch.undo()
    out.write_bytes(b"mine")
    shown = run("export", "--out", out, "--vectors", rows, "--store", path)
    assert (shown.exit_code, "exists already" in shown.stderr) == (2, True)
    assert out.read_bytes() == b"mine"
    assert not rows.exists()
    same = run("export", "--out", rows, "--vectors", rows, "--store", path)
    assert (same.exit_code, "name the same file" in same.stderr) == (2, True)
    nowhere = run("export", "--out", path.parent / "no" / "all.jsonl", "--store", path)
    assert (nowhere.exit_code, "cannot be written" in nowhere.stderr) == (4, True)


def test_an_empty_store_is_exported_as_nothing(tmp_path: Path) -> None:
    """No line, and a file of vectors with no row."""
    store, rows = empty(tmp_path / "empty.rms"), tmp_path / "rows.npy"
    shown = run("export", "--vectors", rows, "--store", store)
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert np.load(rows).shape == (0, 16)


def test_merge_reports_what_was_repeated(path: Path) -> None:
    """As text and as data; one store twice is refused."""
    other = path.with_name("other.rms")
    with Store.create(other, embedder=TOY) as store:
        store.add_entries(entries(20)[8:], vectors(12, seed=4))
    out = path.with_name("out.rms")
    shown = run("merge", path, other, "--out", out)
    assert (shown.exit_code, shown.stdout) == (0, f"{out}: 20 entries, 4 repeated ones left out.\n")
    out.unlink()
    output = json.loads(run("merge", path, other, "--out", out, "--json").stdout)
    assert (output["entries"], output["repeated"], output["bytes"]) == (20, 4, out.stat().st_size)
    assert run("merge", path, path, "--out", path.with_name("no.rms")).exit_code == 2


def test_compact_reports_entries_and_size(path: Path) -> None:
    """And leaves a store that verify finds well."""
    with Store.open(path, write=True) as store:
        store.delete_entries([3, 4])
    output = json.loads(run("compact", "--store", path, "--json", "--level", "19").stdout)
    assert (output["entries"], output["bytes"]) == (10, path.stat().st_size)
    assert "10 entries, intact" in run("verify", "--store", path).stdout


def test_diff_shows_what_is_where(path: Path) -> None:
    """Exit code 1, both counts and examples, no more than asked for."""
    other = path.with_name("other.rms")
    with Store.create(other, embedder=TOY) as store:
        store.add_entries(entries(14)[5:], vectors(9))
    shown = run("diff", path, other, "-n", "2")
    assert shown.exit_code == 1
    assert shown.stdout.splitlines() == [
        "7 entries are in both.",
        f"5 of 12 are only in {path}.",
        "  entry 1  How to find the zorb0 of two numbers?  math",
        "  entry 2  How to find the zorb1 of two numbers?  code",
        f"2 of 9 are only in {other}.",
        "  entry 8  How to find the zorb12 of two numbers?  math",
        "  entry 9  How to find the zorb13 of two numbers?  code",
    ]


def test_files_that_are_no_stores_are_refused(path: Path) -> None:
    """Each command says so, with the store's exit code."""
    text = lines_of(path.with_name("a.jsonl"), entries(1))
    commands: list[list[str | Path]] = [
        ["export", "--store", text],
        ["import", text, "--store", text],
        ["merge", path, text, "--out", path.with_name("out.rms")],
        ["compact", "--store", text],
        ["diff", path, text],
    ]
    for command in commands:
        shown = run(*command)
        assert (shown.exit_code, "is not a store" in shown.stderr) == (4, True), command
