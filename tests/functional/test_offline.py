"""Whole commands on the shipped model and store, with every socket watched.

An audit hook, loaded into each Python process of the command, notes every socket and every name
looked up. Where the system allows it, the command also runs in a network namespace without any
interface, so that no library beneath Python can reach out either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
HOOK = """
import os, sys

def note(text):
    with open(os.environ["SOCKETS_SEEN"], "a", encoding="utf-8") as file:
        file.write(text + "\\n")

def watch(event, arguments):
    if event == "socket.__new__" and int(arguments[1]) != 1:  # 1: within this machine
        note(f"{event} {arguments[1:]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        note(f"{event} {arguments}")

sys.addaudithook(watch)
note("watched")
"""


@cache
def without_network() -> tuple[str, ...]:
    """What to put before a command so that it has no network; nothing where that is not allowed."""
    prefix = ("unshare", "--map-root-user", "--net")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return prefix if allowed.returncode == 0 else ()


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of what the hook has noted, in all processes that are started from now on."""
    hooks, notes = tmp_path / "hooks", tmp_path / "seen.txt"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    monkeypatch.setenv("SOCKETS_SEEN", str(notes))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(hooks), str(ROOT)]))
    return notes


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """The command's end, without network where that can be had."""
    return subprocess.run(
        [*without_network(), sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def test_the_watch_sees_sockets(seen: Path) -> None:
    """A process that opens a socket and looks a name up is noted: the tests below can fail."""
    run("-c", "import socket; socket.socket(); socket.getaddrinfo('localhost', 80)")

    noted = seen.read_text(encoding="utf-8")
    assert "socket.__new__" in noted
    assert "socket.getaddrinfo" in noted


def test_ask_opens_no_socket(seen: Path) -> None:
    """A whole turn on the shipped model and store, in the app's process and the worker's."""
    done = run("-m", "rm_local", "ask", "--json", QUESTION)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "answered"
    noted = seen.read_text(encoding="utf-8").splitlines()
    assert len(noted) >= 2
    assert set(noted) == {"watched"}


def test_search_opens_no_socket(seen: Path) -> None:
    """Embedding a text and searching the store, with an empty cache."""
    done = run("-m", "rm_local", "search", "--json", "add fractions with different denominators")

    assert done.returncode == 0, done.stderr
    assert "fractions" in json.loads(done.stdout)["hits"][0]["subproblem"]
    assert set(seen.read_text(encoding="utf-8").splitlines()) == {"watched"}


@pytest.mark.parametrize(
    "command", [("catalog",), ("catalog", "--json"), ("pull", "--help"), ("pull", "no-such-model")]
)
def test_models_open_no_socket(seen: Path, command: tuple[str, ...]) -> None:
    """Of the commands of `models` only a pull of a model that there is opens one."""
    run("-m", "rm_local", "models", *command)

    assert set(seen.read_text(encoding="utf-8").splitlines()) == {"watched"}


def test_a_pull_opens_a_socket(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one command that does, so the tests above can fail."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    done = run("-m", "rm_local", "models", "pull", "org/repo")

    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "socket." in seen.read_text(encoding="utf-8")
