"""A store, a session and settings that version 0.1.0 wrote open and read the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rm_local import paths, settings
from rm_local.cli.main import cli

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "written-by-0.1.0"
"""36 entries built, 4 imported, 2 deleted, 3 usage counts; a session of two turns; settings."""
QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A copy, so that a test may write to it."""
    return Path(shutil.copy(WRITTEN / "store.rms", tmp_path / "store.rms"))


def run(*arguments: str) -> str:
    """The command's standard output; it has to end well."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def holds(now: Any, before: Any) -> bool:
    """Whether `now` has all names and values of `before`; an object may have gained names."""
    if isinstance(before, dict):
        return all(name in now and holds(now[name], value) for name, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(holds, now, before))
    return bool(now == before)


def test_a_store_is_whole(store: Path) -> None:
    """Every page, text, vector and count is as it was written."""
    found = json.loads(run("store", "verify", "--store", str(store), "--json"))

    assert found == {"ok": True, "entries": 38, "faults": []}


def test_a_store_exports_its_entries(store: Path) -> None:
    """Texts, labels and ids are the same, byte for byte."""
    lines = run("store", "export", "--store", str(store), "--ids")

    assert lines == (WRITTEN / "export.jsonl").read_text("utf-8")


def test_a_store_is_searched(store: Path) -> None:
    """The same hits with the same scores, embedded by the real model."""
    found: dict[str, Any] = json.loads(
        run("search", QUESTION, "--store", str(store), "-k", "3", "--json")
    )
    before: dict[str, Any] = json.loads((WRITTEN / "search.json").read_text("utf-8"))

    assert found.keys() == before.keys()
    for now, then in zip(found["hits"], before["hits"], strict=True):
        assert now.pop("similarity") == pytest.approx(then.pop("similarity"), abs=2e-3)
        added = {"store": "", "score": now["score"], "words": now["words"]}
        assert now == then | added


def test_a_store_takes_new_entries(store: Path, tmp_path: Path) -> None:
    """An import adds to it, a maintenance run and a verification find nothing wrong after it."""
    entry = {"subproblem": "How to fold a paper crane?", "subroutine": "I should start square."}
    (tmp_path / "new.jsonl").write_text(json.dumps(entry))

    run("store", "import", str(tmp_path / "new.jsonl"), "--store", str(store))
    run("store", "optimize", "--store", str(store))

    found = json.loads(run("store", "verify", "--store", str(store), "--json"))
    assert found == {"ok": True, "entries": 39, "faults": []}


def test_a_session_is_shown() -> None:
    """`sessions show --json` has the names and values that it had."""
    sessions = paths.sessions_dir()
    sessions.mkdir(parents=True)
    shutil.copy(WRITTEN / "session.jsonl", sessions / "20261128-004638-hz4t.jsonl")

    shown = json.loads(run("sessions", "show", "last", "--json"))

    assert holds(shown, json.loads((WRITTEN / "session.json").read_text("utf-8")))


def test_a_session_shows_the_present_names_of_plans() -> None:
    """A file with a plan's old name is replayed, without a notice; the file stays as it is."""
    sessions = paths.sessions_dir()
    sessions.mkdir(parents=True)
    text = (WRITTEN / "session.jsonl").read_text("utf-8")
    file = sessions / "20261128-004638-hz4t.jsonl"
    file.write_text(text.replace('"plan": "memory"', '"plan": "length"'), "utf-8")
    before = file.read_bytes()

    done = CliRunner().invoke(cli, ["sessions", "show", "last", "--json"])

    assert [turn["plan"] for turn in json.loads(done.stdout)["turns"]] == ["length-vote"] * 2
    assert done.stderr == ""
    assert file.read_bytes() == before


@pytest.mark.filterwarnings("ignore::rm_local.old_names.RenamedWarning")
def test_settings_of_an_older_version_are_read() -> None:
    """Every key that could be set still means what it meant."""
    found = settings.load_settings(WRITTEN / "config.toml")

    assert (found.model, found.stores) == (WRITTEN / "models/own.gguf", (WRITTEN / "store.rms",))
    assert (found.context, found.threads, found.gpu_layers) == (4096, 2, 0)
    assert (found.flash_attention, found.kv_cache_type, found.context_overflow) == (
        "auto",
        "q8_0",
        "drop_oldest",
    )
    assert (found.check_memory, found.idle_unload_minutes, found.thinking) == (False, 30, False)
    assert (found.plan, found.theme) == ("length-vote", "rm-light")
    assert found.model_dirs == (WRITTEN / "models",)
