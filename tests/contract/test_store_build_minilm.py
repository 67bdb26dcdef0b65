"""`rm-local store build` with all-MiniLM-L6-v2: embedded once, and searched through the worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rm_local.cli.main import cli
from rm_local.embed import npy_writer
from rm_local.embed.minilm import MINILM, read_minilm_vocabulary_words
from rm_local.ingest import build_store
from rm_local.store.codec.text_blocks import unpack_words
from rm_local.store.sqlite import meta
from rm_local.store.store import Store

TASKS = ("add two fractions", "boil an egg", "sort a list of numbers", "tune a guitar")


def test_what_was_embedded_is_not_embedded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after its vectors, the build continues with them; MiniLM finds its entries."""
    path, out = tmp_path / "a.jsonl", tmp_path / "out.rms"
    rows = ({"subproblem": f"How to {task}?", "subroutine": "I should."} for task in TASKS)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "build_store", stopped)
        assert CliRunner().invoke(cli, ["store", "build", str(path), "--out", str(out)])
    assert len(list(build_store.get_work_folder(out).glob("*.npy"))) == 1
    monkeypatch.setattr(npy_writer.ResumableNpyWriter, "embed_and_write_block", stopped)
    shown = CliRunner().invoke(cli, ["store", "build", str(path), "--out", str(out)])
    assert shown.exit_code == 0, shown.stderr
    with Store.open(out) as store:
        assert store.read_info().embedder == MINILM
        assert (
            unpack_words(meta.read_packed_known_words(store._connection))
            == read_minilm_vocabulary_words()
        )
    asked = ["search", "--store", str(out), "--json", "-k", "1", "arrange figures by size"]
    (hit,) = json.loads(CliRunner().invoke(cli, asked).stdout)["hits"]
    assert hit["subproblem"] == "How to sort a list of numbers?"
