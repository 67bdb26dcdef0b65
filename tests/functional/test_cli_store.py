"""`rm-local store`, over real stores."""

from __future__ import annotations

import json
import os
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner, Result

from rm_local.bench.corpus import docstrings
from rm_local.cli.main import cli
from rm_local.embed import many_texts
from rm_local.store.store import Store
from tests.support.corpora import open_tiny_embedder, tiny_sentences
from tests.support.stores import entries, toy_store, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small store."""
    return toy_store(tmp_path / "toy.rms")


def run(*arguments: str | Path) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["store", *map(str, arguments)])


def test_info_shows_what_a_store_is(path: Path) -> None:
    """Embedder, entries, domains and how it searches."""
    shown = run("info", "--store", path)
    assert shown.exit_code == 0
    for part in ("toy (16 dimensions", "12 in", "code, math", "compares all entries"):
        assert part in shown.stdout


def test_info_gives_the_same_facts_as_json(path: Path) -> None:
    """One object with the same facts."""
    output = json.loads(run("info", "--json", "--store", path).stdout)
    assert (output["entries"], output["version"], output["clusters"]) == (12, 3, 0)
    assert output["embedder"]["id"] == "toy"


def test_verify_reports_an_intact_store(path: Path) -> None:
    """Exit code 0, and the number of entries that were read."""
    shown = run("verify", "--store", path)
    assert (shown.exit_code, "12 entries, intact" in shown.stdout) == (0, True)


def test_verify_names_what_is_damaged(path: Path) -> None:
    """Exit code 4, and what is damaged, as text and as data."""
    database = apsw.Connection(str(path))
    database.execute("UPDATE ref SET v = zeroblob(16) WHERE id = 4")
    database.close()
    shown = run("verify", "--store", path)
    assert (shown.exit_code, shown.stdout) == (4, "Entry 4: its vector is damaged.\n")
    output = json.loads(run("verify", "--json", "--store", path).stdout)
    assert output == {"ok": False, "entries": 12, "faults": ["Entry 4: its vector is damaged."]}


def test_a_damaged_store_is_repaired(path: Path) -> None:
    """What was found, repaired and lost is reported; the damaged file is kept too."""
    before = path.read_bytes()
    database = apsw.Connection(str(path))
    database.execute("UPDATE ref SET v = zeroblob(16) WHERE id = 4; DELETE FROM words")
    database.close()
    shown = run("verify", "--repair", "--store", path)
    assert shown.exit_code == 0, shown.output
    for part in (
        "found   Entry 4: its vector is damaged.",
        "fixed   The word index",
        "lost    1 entry (4), whose text or vector is damaged.",
        f"{path}: 11 entries, intact. The damaged file is now {path}.damaged.",
    ):
        assert part in shown.stdout
    assert (path.parent / "toy.rms.damaged").stat().st_size == len(before)
    again = run("verify", "--repair", "--store", path)
    assert (again.exit_code, "11 entries, intact" in again.stdout) == (0, True)


def test_a_repair_is_reported_as_json(path: Path) -> None:
    """One object, for a store that was damaged and for one that is well."""
    database = apsw.Connection(str(path))
    database.execute("DELETE FROM text WHERE id = 4")
    database.close()
    output = json.loads(run("verify", "--repair", "--json", "--store", path).stdout)
    assert (output["ok"], output["repaired"], output["entries"], output["lost_ids"]) == (
        True,
        True,
        11,
        [4],
    )
    assert output["aside"] == f"{path}.damaged"
    assert output["found"]
    assert output["mended"]
    assert output["lost"]
    output = json.loads(run("verify", "--repair", "--json", "--store", path).stdout)
    assert output == {"ok": True, "repaired": False, "entries": 11}


def test_a_store_beyond_repair_ends_with_exit_code_4(path: Path) -> None:
    """Exit code 4, and what to do."""
    database = apsw.Connection(str(path))
    database.execute("DELETE FROM zdict")
    database.close()
    shown = run("verify", "--repair", "--store", path)
    assert shown.exit_code == 4
    assert "Use another copy" in shown.stderr
    assert not (path.parent / "toy.rms.damaged").exists()


def test_a_repair_names_its_store() -> None:
    """The shipped store is not repaired."""
    assert run("verify", "--repair").exit_code == 2


def test_a_missing_store_ends_with_exit_code_4(tmp_path: Path) -> None:
    """The error of every command that opens a store."""
    for command in ("info", "verify", "optimize"):
        assert run(command, "--store", tmp_path / "no.rms").exit_code == 4


def test_bench_measures_and_tidies_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All figures are there, progress is on standard error, and no file is left."""
    monkeypatch.setattr(docstrings, "collect_docstring_sentences", lambda: tuple(tiny_sentences()))
    monkeypatch.setattr(many_texts, "open_text_embedder", open_tiny_embedder)
    place = tmp_path / "place"
    place.mkdir()
    shown = run("bench", "--rows", "3000", "--in", place, "--json")
    assert shown.exit_code == 0, shown.output
    output = json.loads(shown.stdout)
    assert output["rows"] == 3000
    assert output["recall_at_10"] > 0.5  # such vectors have no neighbours worth the name
    assert 0 < output["warm_p50_ms"] <= output["warm_p95_ms"]
    assert output["cold_p50_ms"] > 0
    assert output["bytes"] > 3000 * 400
    assert "spill   3,000 of 3,000" in shown.stderr
    assert os.listdir(place) == []


def test_tidy_says_what_it_did(path: Path) -> None:
    """As text and as data; what is whole in a store of twelve stays so."""
    with Store.open(path, write=True) as store:
        store.add_entries(entries(30), vectors(30))
    shown = run("tidy", "--store", path, "--for", "60")
    assert shown.exit_code == 0, shown.output
    assert "32 entries put into blocks" in shown.stdout
    assert "entries not in blocks 0 of 32" in shown.stderr
    output = json.loads(run("optimize", "--json", "--store", path).stdout)
    assert (output["done"], set(output["left"].values()), output["busy"]) == ({}, {0}, False)
    assert run("verify", "--store", path).exit_code == 0


def test_tidy_takes_a_time_above_zero(path: Path) -> None:
    """Anything else is wrong usage."""
    assert run("optimize", "--store", path, "--max-seconds", "0").exit_code == 2
