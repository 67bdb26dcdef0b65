"""Commands of a user without a home folder, as in `docker run --user 12345`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rm_local.cli.main import cli
from tests.support.blocked_folders import ROOT, remove_home, remove_home_of_children

EVERY = [
    ("models",),
    ("models", "info", "rm-nano-q8_0"),
    ("ask", "--plan", "direct", "What is 3 + 4?"),
    ("search", "add fractions"),
    ("sessions",),
    ("store", "info"),
]
SAVING = [
    ("models", "use", "rm-nano-q8_0"),
    ("models", "add", "models/rm-nano-q8_0.gguf"),
    ("models", "remove", "rm-nano-q8_0"),
    ("models", "pull", "qwen3-8b"),
    ("sessions",),
    ("sessions", "show", "last"),
    ("ask", "--continue", "What is 3 + 4?"),
]
WITHOUT = [("--help",), ("--version",), ("models", "catalog", "--json"), ("store", "info")]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows names each user's folders")


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No home folder, here and in child processes; RM_LOCAL_HOME stays set."""
    remove_home_of_children(monkeypatch, tmp_path)


def run(*arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The command's end."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "rm_local", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.usefixtures("no_home")
def test_these_processes_have_no_home() -> None:
    """The tests below can fail."""
    command = [sys.executable, "-c", "import pathlib; pathlib.Path.home()"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)

    assert "RuntimeError" in done.stderr


@pytest.mark.parametrize("arguments", EVERY)
@pytest.mark.usefixtures("no_home")
def test_rm_local_home_is_enough(arguments: tuple[str, ...]) -> None:
    """Every command works, and has nothing to complain of."""
    done = run(*arguments)

    assert done.returncode == 0, done.stderr
    assert "RM_LOCAL_HOME" not in done.stderr
    assert "skipped" not in done.stderr


@pytest.mark.usefixtures("no_home")
def test_a_session_is_saved_below_rm_local_home(own_home: Path) -> None:
    """And the next question can follow it; settings can be written."""
    assert run("ask", "--plan", "direct", "What is 3 + 4?").returncode == 0
    assert run("ask", "--plan", "direct", "--continue", "And 4 + 4?").returncode == 0
    assert run("models", "use", "rm-nano-q8_0").returncode == 0

    assert len([*(own_home / "data" / "sessions").glob("*.jsonl")]) == 1
    assert (own_home / "config.toml").is_file()


@pytest.mark.parametrize("arguments", SAVING)
def test_what_needs_a_home_says_so(
    arguments: tuple[str, ...], no_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message and exit code 2."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    done = run(*arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: This user has no home folder.",
        "  Set RM_LOCAL_HOME to a folder that can be written to.",
    ]


@pytest.mark.parametrize("arguments", EVERY[:4])
def test_what_can_do_without_a_home_works(
    arguments: tuple[str, ...], no_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list, an answer, hits; at most one line says that nothing is saved."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    done = run(*arguments)

    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.count("RM_LOCAL_HOME") <= 1
    if arguments[0] in ("ask", "search"):
        assert "cannot be saved: this user has no home folder." in done.stderr


@pytest.mark.parametrize("arguments", WITHOUT)
def test_what_saves_nothing_says_nothing(
    arguments: tuple[str, ...], no_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help, version and what reads shipped files alone."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    done = run(*arguments)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_doctor_names_the_missing_home(no_home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a bad check with what to do, among all others."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    done = run("doctor")

    assert done.returncode == 1
    assert done.stderr == ""
    assert "bad   Folders    This user has no home folder.\n" in done.stdout
    assert "Set RM_LOCAL_HOME to a folder that can be written to." in done.stdout


def test_an_unexpected_error_is_still_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its details go to the folder for temporary files."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("by nought")

    remove_home(monkeypatch)
    monkeypatch.delenv("RM_LOCAL_HOME")
    monkeypatch.setattr("rm_local.runtime.Runtime", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    result = CliRunner().invoke(cli, ["ask", "x"])

    (saved,) = tmp_path.glob("crash-*.log")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ZeroDivisionError: by nought\n")
    assert str(saved) in result.stderr
    assert "Traceback" in saved.read_text(encoding="utf-8")


def test_commands_work_for_a_user_without_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of a user that the system does not know."""
    user = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
    if not shutil.which("unshare") or subprocess.run([*user, "true"], check=False).returncode:
        pytest.skip("no other user can be had")
    for name in ("HOME", "RM_LOCAL_HOME", *(each for each in os.environ if "XDG_" in each)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    done = run("ask", "--plan", "direct", "What is 3 + 4?", prefix=user)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Answer: 7\n"
    assert done.stderr.count("RM_LOCAL_HOME") == 1


def test_entries_are_imported_without_any_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What an import keeps meanwhile is in a temporary folder; also from a pipe."""
    remove_home_of_children(monkeypatch, tmp_path)
    monkeypatch.delenv("RM_LOCAL_HOME")
    store, lines = tmp_path / "s.rms", tmp_path / "a.jsonl"
    lines.write_text('{"subproblem": "How to add?", "subroutine": "I should count on."}\n')
    built = run("store", "build", str(lines), "--embedder", "static", "--out", str(store))
    assert built.returncode == 0, built.stderr
    lines.write_text('{"subproblem": "How to halve?", "subroutine": "I should share."}\n')

    done = run("store", "import", str(lines), "--store", str(store), "--json")

    assert done.returncode == 0, done.stderr
    assert '"added": 1' in done.stdout
