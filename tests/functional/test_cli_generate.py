"""`rm-local store generate`, over a tiny set of sentences."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from rm_local.bench.corpus import docstrings
from rm_local.cli.main import cli
from rm_local.embed import many_texts
from tests.support.corpora import open_tiny_embedder, tiny_sentences


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "collect_docstring_sentences", lambda: tuple(tiny_sentences()))
    monkeypatch.setattr(many_texts, "open_text_embedder", open_tiny_embedder)


def synth(*arguments: str | int | Path) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["store", "generate", *map(str, arguments)])


def test_entries_go_to_standard_output() -> None:
    """One JSON object a line, the same each time, and the hash is theirs."""
    result = synth("--rows", 300)
    assert result.exit_code == 0
    read = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(read) == 300
    names = ["subproblem", "subroutine", "domain", "source", "level", "provenance"]
    assert list(read[0]) == names
    assert synth("--rows", 300).stdout == result.stdout
    printed = synth("--rows", 300, "--hash").stdout.strip()
    assert printed == hashlib.sha256(result.stdout_bytes).hexdigest()


def test_entries_and_vectors_go_to_files(tmp_path: Path) -> None:
    """As many float16 vectors as lines, and no other file is left."""
    out, vectors = tmp_path / "made" / "a.jsonl", tmp_path / "made" / "a.npy"
    out.parent.mkdir()
    done = synth("--rows", 9000, "--out", out, "--vectors", vectors)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert len(out.read_text("utf-8").splitlines()) == 9000
    rows = np.load(vectors)
    assert (rows.dtype, rows.shape) == (np.float16, (9000, 384))
    assert sorted(path.name for path in out.parent.iterdir()) == ["a.jsonl", "a.npy"]


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    """It is not written over, and nothing is left of the other one."""
    vectors = tmp_path / "made.npy"
    vectors.write_text("mine")
    out = tmp_path / "made.jsonl"
    refused = synth("--rows", 10, "--out", out, "--vectors", vectors)
    assert refused.exit_code == 2
    assert "exists" in refused.stderr
    assert vectors.read_text() == "mine"
    assert not out.exists()


def test_fewer_sentences_are_another_corpus(tmp_path: Path) -> None:
    """--sentences takes some of them; too few are refused, as is a folder that is not there."""
    assert synth("--rows", 10, "--sentences", 300).stdout != synth("--rows", 10).stdout
    assert synth("--rows", 10, "--sentences", 20).exit_code == 2
    assert synth("--rows", 10, "--out", tmp_path / "none" / "a.jsonl").exit_code == 2
    assert synth("--rows", 10, "--hash", "--out", tmp_path / "a").exit_code == 2
    one = tmp_path / "a"
    assert "the same file" in synth("--rows", 10, "--out", one, "--vectors", one).stderr
