"""Each example runs as it is and prints what its reader is to see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.watchdog import HANG_SECONDS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PRINTS = {
    "store_from_python": [
        "How to add two fractions?  I should find",
        "I should expand",
        "2 entries",
    ],
    "own_embedder": ["How to detect a cycle in a linked list?"],
    "entries_from_jsonl": ["3 entries", "why a program is slow", "two sets are equal"],
    "solve": ["subproblem: ", "entries: ", "72"],
    "read_events": ["subproblem: ", "entries: ", "answer: 72"],
}
"""What stands in each one's output, in this order."""


@pytest.mark.parametrize("name", PRINTS)
def test_an_example_runs_as_it_is(name: str) -> None:
    """With real parts; in a home of its own, as every test."""
    place = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=place,
        timeout=HANG_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    rest = done.stdout
    for words in PRINTS[name]:
        assert words in rest
        rest = rest[rest.index(words) + len(words) :]


def test_every_example_is_run_and_listed() -> None:
    """Here and in the folder's README."""
    there = {path.stem for path in EXAMPLES.glob("*.py")}
    readme = (EXAMPLES / "README.md").read_text("utf-8")

    assert there == set(PRINTS)
    assert all(f"({name}.py)" in readme for name in there)
