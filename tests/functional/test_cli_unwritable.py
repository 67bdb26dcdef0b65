"""Commands whose folders cannot be written: they work, and say once what is not saved."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot

from rm_local import paths, settings
from rm_local.cli.main import cli
from rm_local.runtime import Runtime
from rm_local.tui.app import RmLocalApp
from tests.support.blocked_folders import (
    BLOCKED,
    ROOT,
    below_a_file,
    dangling_link,
    file_as_home,
    remove_home,
)
from tests.support.script import ask, until

REMEDY = "Set RM_LOCAL_HOME to a folder that can be written to."


@pytest.fixture(params=BLOCKED, ids=lambda block: block.__name__)
def blocked(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """RM_LOCAL_HOME, in which nothing can be written."""
    home: Path = request.param(tmp_path)
    monkeypatch.setenv("RM_LOCAL_HOME", str(home))
    return home


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command's end, in a process of its own with the real worker."""
    return subprocess.run(
        [sys.executable, "-m", "rm_local", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that warn."""
    return [line for line in done.stderr.splitlines() if line.startswith("warning:")]


@pytest.mark.usefixtures("blocked")
def test_a_question_is_answered() -> None:
    """On the real model with the store: an answer, and one notice."""
    done = run("ask", "What is the kinetic energy for mass 4 kg and speed 6 m/s?")

    assert done.returncode == 0, done.stderr
    assert "72" in done.stdout
    (notice,) = warnings(done)
    assert notice.startswith(
        "warning: Sessions, the model's log and cached files cannot be saved: "
    )
    assert notice.endswith(REMEDY)
    assert "Session " not in done.stderr


@pytest.mark.usefixtures("blocked")
def test_a_search_works_without_writable_folders() -> None:
    """The worker's log is written to a temporary folder."""
    done = run("search", "-k", "1", "add fractions")

    assert done.returncode == 0, done.stderr
    assert "fractions" in done.stdout
    assert len(warnings(done)) == 1


@pytest.mark.parametrize("folder", ["data", "logs"])
def test_one_folder_alone_is_named(folder: str, own_home: Path) -> None:
    """The others are used as always."""
    own_home.mkdir()
    (own_home / folder).touch()

    done = run("ask", "--plan", "memory", "What is 3 + 4?")

    assert done.returncode == 0, done.stderr
    (notice,) = warnings(done)
    assert f"cannot be saved: {own_home / folder} is not a folder." in notice
    assert (own_home / "logs" / "worker.log").is_file() == (folder != "logs")
    assert [*own_home.glob("data/sessions/*.jsonl")] != [] or folder == "data"


def test_a_cache_is_not_needed(own_home: Path) -> None:
    """Nothing of the user's is lost without it, so nothing is said."""
    own_home.mkdir()
    (own_home / "cache").touch()

    done = run("ask", "--plan", "memory", "What is 3 + 4?")

    assert done.returncode == 0, done.stderr
    assert warnings(done) == []


@pytest.mark.usefixtures("blocked")
def test_lists_are_empty_rather_than_errors() -> None:
    """Nothing can be saved there, so nothing is."""
    models, sessions = run("models"), run("sessions")

    assert models.returncode == 0
    # Without its extra, or without a cache, rm-small is not available.
    assert all(line.startswith("not available: rm-small") for line in models.stderr.splitlines())
    assert "rm-nano" in models.stdout
    assert sessions.returncode == 0
    assert "No session is saved yet" in sessions.stderr


@pytest.mark.parametrize(
    "arguments", [("use", "rm-nano-q8_0"), ("add", "models/rm-nano-q8_0.gguf")]
)
@pytest.mark.parametrize("block", [file_as_home, below_a_file])
def test_what_is_asked_to_save_fails(
    arguments: tuple[str, str],
    block: Callable[[Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Saving is its whole purpose: one error that names what is in the way."""
    monkeypatch.setenv("RM_LOCAL_HOME", str(block(tmp_path)))

    done = run("models", *arguments)

    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert f"cannot be written: {tmp_path / 'file'} is not a folder." in first
    assert second.strip() == REMEDY


def test_linked_settings_are_written_to_the_target_of_the_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when that is not there yet."""
    monkeypatch.setenv("RM_LOCAL_HOME", str(dangling_link(tmp_path)))

    assert run("models", "use", "rm-nano-q8_0").returncode == 0

    assert "rm-nano" in (tmp_path / "nowhere" / "config.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [13, 28, 30])
def test_settings_that_cannot_be_written_are_explained(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No permission, a full disk and a read-only file system are said in words."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("rm_local.files.rename_and_sync_parent", refuse)

    result = CliRunner().invoke(cli, ["models", "use", "rm-nano-q8_0"])

    assert result.exit_code == 2
    words = {13: "is not permitted", 28: "the disk of", 30: "is read-only"}[code]
    assert words in result.stderr
    assert REMEDY in result.stderr
    assert not paths.config_file().exists()


def test_the_doctor_names_the_obstacle(blocked: Path) -> None:
    """For each folder."""
    result = CliRunner().invoke(cli, ["doctor"])

    assert result.exit_code == 1
    assert result.stdout.count("cannot be written to: ") == 3


def test_an_unexpected_error_is_kept_elsewhere(
    blocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its details go to the folder for temporary files, or else the message says so."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("rm_local.runtime.Runtime", fail)
    temporary = tmp_path / "temporary"
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    kept = CliRunner().invoke(cli, ["ask", "x"])
    (saved,) = temporary.glob("crash-*.log")
    monkeypatch.setattr("tempfile.tempdir", str(blocked))
    lost = CliRunner().invoke(cli, ["ask", "x"])

    assert str(saved) in kept.stderr
    assert "could not be saved anywhere" in lost.stderr
    assert kept.exit_code == lost.exit_code == 1


@pytest.mark.usefixtures("blocked")
async def test_the_app_says_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On screen; two questions are answered by the real model."""
    await answer_two(monkeypatch)


async def test_the_app_without_a_home_says_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder that nobody knows is like one that cannot be written."""
    remove_home(monkeypatch)
    monkeypatch.delenv("RM_LOCAL_HOME")

    await answer_two(monkeypatch)


async def answer_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask two questions in the app; exactly one notice is shown."""
    said: list[str] = []
    monkeypatch.setattr(RmLocalApp, "notify", lambda _app, message, **_: said.append(message))
    app = RmLocalApp(Runtime(settings.load_settings()), plan="direct")
    async with app.run_test(size=(120, 36)) as pilot:
        for question in ("What is 3 + 4?", "What is 5 + 4?"):
            await ask(pilot, question)
            await wait(pilot, app, question)

    (notice,) = said
    assert "cannot be saved: " in notice
    assert "sessions" in notice.lower()
    assert notice.endswith(REMEDY)


async def wait(pilot: Pilot[None], app: RmLocalApp, question: str) -> None:
    """Until this question is answered."""

    def is_answered() -> bool:
        turn = app.chat.state.turn
        return turn is not None and turn.question == question and turn.stage == "answered"

    await until(pilot, is_answered)


@pytest.mark.usefixtures("blocked")
def test_a_notice_is_an_event_of_the_json_stream() -> None:
    """A program that reads it learns, too, that the session is not saved."""
    done = run("ask", "--json", "--plan", "direct", "What is 3 + 4?")

    notices = [line for line in done.stdout.splitlines() if '"notice"' in line]
    assert done.returncode == 0, done.stderr
    assert len(notices) == 1
    assert "cannot be saved" in notices[0]
