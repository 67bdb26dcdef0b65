"""`rm-local store build`: stores from files of entries, by the static embedder or with vectors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.embed.probe_sentences import PROBES_SHA256
from rm_local.embed.static import load_shipped_static
from rm_local.ingest import build_store
from rm_local.records import Entry
from rm_local.store.store import Store
from rm_local.work_folder import make_or_reuse_work_folder
from tests.support.stores import vectors

ROOT = Path(__file__).resolve().parents[2]
TASKS = ("reverse a linked list", "balance a chemical equation", "integrate by parts", "bake bread")
FIELDS = ("subproblem", "subroutine", "domain", "source", "level", "provenance")


def entries(count: int) -> list[Entry]:
    """Four kinds of tasks, each entry with a number of its own."""
    return [
        Entry(f"How to {TASKS[n % 4]}, way {n}?", f"I should take way {n}.", "code", level="school")
        for n in range(count)
    ]


def write(path: Path, found: Iterable[Entry]) -> Path:
    """The entries as JSON Lines."""
    rows = ({name: getattr(entry, name) for name in FIELDS} for entry in found)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    return path


def run(*arguments: str | Path, text: bytes | None = None) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, [*map(str, arguments)], input=text)


def build(*arguments: str | Path, text: bytes | None = None) -> Result:
    """`store build` with the static embedder."""
    return run("store", "build", "--embedder", "static", *arguments, text=text)


def held(path: Path) -> list[tuple[Entry, list[float]]]:
    """All entries of a store, with their vectors, by their texts."""
    with Store.open(path) as store:
        ids = range(1, store.count_entries() + 1)
        rows = store.read_vectors(ids).tolist()
        return sorted(zip(store.get(ids), rows, strict=True), key=lambda row: row[0].subproblem)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The store to be."""
    return tmp_path / "out.rms"


def test_a_store_is_built_and_searched(tmp_path: Path, out: Path) -> None:
    """With the embedder that it was built with, unasked; no other file is left."""
    shown = build(write(tmp_path / "a.jsonl", entries(40)), "--out", out, "--json")
    assert shown.exit_code == 0, shown.stderr
    output = json.loads(shown.stdout)
    assert output == {"path": str(out), "entries": 40, "bytes": out.stat().st_size}
    assert "read    40 of 40" in shown.stderr
    found = run("search", "--store", out, "--json", "-k", "2", "how do I reverse linked lists")
    hits = json.loads(found.stdout)["hits"]
    assert all("reverse a linked list" in hit["subproblem"] for hit in hits)
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.rms"]
    assert json.loads(run("store", "verify", "--json", "--store", out).stdout)["ok"]
    with Store.open(out) as store:
        spread = store.read_spread(PROBES_SHA256)
    assert spread is not None
    assert spread.entries == 40


def test_standard_input_and_files_go_into_one_store(tmp_path: Path, out: Path) -> None:
    """All in one store, in the same words as they came."""
    first, second = entries(40)[:15], entries(40)[15:]
    text = write(tmp_path / "a.jsonl", first).read_bytes()
    shown = build("-", write(tmp_path / "b.jsonl", second), "--out", out, text=text)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith(f"{out}: 40 entries, ")
    texts = {(entry.subproblem, entry.subroutine, entry.level) for entry, _ in held(out)}
    assert texts == {(e.subproblem, e.subroutine, e.level) for e in entries(40)}


def test_vectors_may_be_given(tmp_path: Path, out: Path) -> None:
    """They are stored, not made; the store bears the name of the embedder that made them."""
    path, given = tmp_path / "v.npy", vectors(40, dimension=256)
    np.save(path, given)
    shown = build(write(tmp_path / "a.jsonl", entries(40)), "--out", out, "--embeddings", path)
    assert shown.exit_code == 0, shown.stderr
    order = sorted(range(40), key=lambda n: entries(40)[n].subproblem)
    np.testing.assert_allclose([row for _, row in held(out)], given[order], atol=0.01)
    with Store.open(out) as store:
        assert store.read_info().embedder == load_shipped_static().id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("a.jsonl, line 2", "no subroutine")),
        (("--embeddings", "v.npy"), ("v.npy", "No such file")),
        (("--dimension", "64"), ("not trained", "64")),
        (("--embedder", "minilm", "--dimension", "64"), ("not trained", "64")),
    ],
)
def test_what_will_not_do_is_refused(
    tmp_path: Path, out: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Exit code 2, what is wrong, and nothing written."""
    path = write(tmp_path / "a.jsonl", entries(1))
    path.write_bytes(path.read_bytes() + b'{"subproblem": "a"}\n')
    before = sorted(tmp_path.iterdir())
    shown = build(path, "--out", out, *arguments)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert all(word in shown.stderr for word in words), shown.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, out: Path) -> None:
    """Exit code 2; no store is begun."""
    np.save(tmp_path / "v.npy", vectors(39, dimension=256))
    path = write(tmp_path / "a.jsonl", entries(40))
    shown = build(path, "--out", out, "--embeddings", tmp_path / "v.npy")
    assert (shown.exit_code, "(40, 256)" in shown.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.glob("out*")) == []


def test_a_missing_folder_is_wrong_usage(tmp_path: Path) -> None:
    """Exit code 2; none is made."""
    path = write(tmp_path / "a.jsonl", entries(4))
    shown = build(path, "--out", tmp_path / "no" / "out.rms")
    assert (shown.exit_code, "There is no folder" in shown.stderr) == (2, True)
    assert not (tmp_path / "no").exists()


def test_a_store_that_exists_is_left_alone(tmp_path: Path, out: Path) -> None:
    """Exit code 4, at once."""
    out.write_bytes(b"mine")
    shown = build(write(tmp_path / "a.jsonl", entries(4)), "--out", out)
    assert (shown.exit_code, "exists already" in shown.stderr) == (4, True)
    assert out.read_bytes() == b"mine"


def test_ctrl_c_says_how_to_continue(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 130; the same command then comes to its end, and reads nothing twice."""
    path = write(tmp_path / "a.jsonl", entries(40))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "build_store", interrupted)
        stopped = build(path, "--out", out)
    assert stopped.exit_code == 130
    assert "Run the same command again" in stopped.stderr
    shown = build(path, "--out", out)
    assert (shown.exit_code, "read  " in shown.stderr) == (0, False)
    assert len(held(out)) == 40


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills")
def test_a_build_that_was_killed_continues(tmp_path: Path, out: Path) -> None:
    """At its first sign of life; the store is the one that an undisturbed build makes."""
    path, whole = write(tmp_path / "a.jsonl", entries(1000)), tmp_path / "whole.rms"
    assert build(path, "--out", whole).exit_code == 0
    command = [sys.executable, "-m", "rm_local", "store", "build", "--embedder", "static"]
    child = subprocess.Popen(
        [*command, str(path), "--out", str(out)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr
    for line in child.stderr:
        if line.startswith(("train", "spill")):
            os.kill(child.pid, signal.SIGKILL)
            break
    child.wait()
    child.stderr.close()
    assert not out.exists()
    shown = build(path, "--out", out)
    assert shown.exit_code == 0, shown.stderr
    assert held(out) == held(whole)
    assert sorted(each.name for each in tmp_path.glob("out*")) == ["out.rms"]


def test_a_finished_build_is_tidied(tmp_path: Path, out: Path) -> None:
    """Killed after the last step: the same command only removes what is left."""
    path = write(tmp_path / "a.jsonl", entries(10))
    assert build(path, "--out", out).exit_code == 0
    make_or_reuse_work_folder(build_store.get_work_folder(out))
    assert build(path, "--out", out).exit_code == 0
    assert not build_store.get_work_folder(out).exists()


@pytest.mark.parametrize("kind", ["input", "build"])
def test_a_folder_of_the_users_is_not_touched(tmp_path: Path, out: Path, kind: str) -> None:
    """The build needs its name, says so, and leaves what is in it."""
    theirs = tmp_path / f"out.rms.{kind}" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("mine")

    refused = build(write(tmp_path / "a.jsonl", entries(4)), "--out", out)

    assert refused.exit_code == 4
    assert "contains other files" in refused.stderr
    assert theirs.read_text() == "mine"
    theirs.unlink()
    theirs.parent.rmdir()
    assert build(tmp_path / "a.jsonl", "--out", out).exit_code == 0


def test_a_file_called_like_standard_input_is_a_file(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`./-` is one, `-` alone is not."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "-", entries(4))

    assert build("./-", "--out", out, text=b"not read").exit_code == 0
    assert len(held(out)) == 4
    assert build("-", "--out", tmp_path / "other.rms", text=b"").exit_code == 2
