"""docs/guide/first-evening.md does what it says, command after command."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.markdown import read_page
from tests.support.watchdog import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "first-evening.md"
SET_UP = "python3 packaging/bootstrap.py run"
STARTS = ("rm-local ", "cp ")
NEEDS_A_DOWNLOAD = "rm-local models pull"
PRINTS = {
    'rm-local ask "What is the kinetic energy for mass 4 kg and speed 6 m/s?"': "72",
    "rm-local sessions show last": "What does this function do?",
    'rm-local search --store my.rms "fee for a garage"': "How to compute the parking fee",
    'rm-local ask --store my.rms "What is the boat rent for days 3 and people 4?"': "64",
}
"""What the page says that a command shows."""


def commands() -> list[str]:
    """The page's commands from after the set-up to before the download."""
    lines = [line for line in read_page(PAGE).blocks if line.startswith(STARTS)]
    assert SET_UP in read_page(PAGE).blocks
    return lines[: lines.index(next(x for x in lines if x.startswith(NEEDS_A_DOWNLOAD)))]


def run(line: str, folder: Path) -> str:
    """What the command prints; it has to succeed."""
    words = shlex.split(line)
    if words[0] == "rm-local":
        words = [sys.executable, "-m", "rm_local", *words[1:]]
    done = subprocess.run(
        words,
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_every_command_of_the_page_works_in_its_order(tmp_path: Path) -> None:
    """With the shipped model and store, and with the store that the reader builds."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    printed = {line: run(line, tmp_path) for line in commands()}

    assert printed.keys() >= PRINTS.keys()
    for line, words in PRINTS.items():
        assert words in printed[line], line
    assert "64" not in printed['rm-local ask "What is the boat rent for days 3 and people 4?"']


@pytest.mark.slow
def test_the_question_to_step_in_has_three_hits(tmp_path: Path) -> None:
    """So there is something to pin and to drop."""
    assert "`What is 3/4 + 1/6?`" in PAGE.read_text(encoding="utf-8")
    lines = run('rm-local ask --json "What is 3/4 + 1/6?"', tmp_path).splitlines()
    events = [json.loads(line) for line in lines]

    assert [len(e["hits"]) for e in events if e["event"] == "retrieved"] == [3]
