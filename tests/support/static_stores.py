"""Stores of rm-static, which embeds at once, and one of them in place of the shipped store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from rm_local.embed import load_shipped_static
from rm_local.records import Entry
from rm_local.store import Store

SHIPPED = (
    "How to compute the kinetic energy from the mass and the speed?",
    "How to add two fractions with different denominators?",
    "How to find the shortest path in a graph with weights?",
)
OWN = ("How to compute the boat rent from the days and the people?", "How to reset the zorbomatic?")
PROGRAM = """
import sys
from pathlib import Path
from rm_local import paths
from rm_local.cli.main import main

shipped = Path(sys.argv.pop(1))
paths.shipped_store = lambda: shipped
main()
"""


def make_entry(subproblem: str, subroutine: str = "I should do it.") -> Entry:
    """An entry with this subproblem."""
    return Entry(subproblem, subroutine, "math", "test")


def static_store(path: Path, subproblems: Sequence[str]) -> Path:
    """A closed store at `path` with an entry for each subproblem."""
    static = load_shipped_static()
    with Store.create(path, embedder=static.id, known_words=static.known_words) as store:
        store.add_entries([make_entry(each) for each in subproblems], static.embed(subproblems))
    return path


def write_lines(path: Path, subproblems: Sequence[str]) -> Path:
    """A file of entries to import."""
    fields = ({"subproblem": each, "subroutine": "I should do it."} for each in subproblems)
    path.write_text("".join(json.dumps(each) + "\n" for each in fields), encoding="utf-8")
    return path


def ship(monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    """Make the store at `path` the shipped one of this process."""
    monkeypatch.setattr("rm_local.paths.shipped_store", lambda: path)
    return path


def start_command(shipped: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `rm-local ARGUMENTS` in a process whose shipped store is `shipped`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(shipped), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def run(*arguments: str | Path) -> Result:
    """The end of a command that runs in this process."""
    return CliRunner().invoke(cli, list(map(str, arguments)))


def search(text: str, *options: str | Path) -> list[tuple[str, str]]:
    """Store and subproblem of each hit of the command `search`."""
    done = run("search", "--json", *options, text)
    assert done.exit_code == 0, done.output
    hits = json.loads(done.stdout)["hits"]
    return [(hit["store"], hit["subproblem"]) for hit in hits]
