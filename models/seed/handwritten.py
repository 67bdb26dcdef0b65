"""Reads the handwritten entries of the seed store (models/seed/hand)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from rm_local.records import Entry

HAND = Path(__file__).resolve().parent / "hand"


@cache
def read_handwritten_entries() -> tuple[Entry, ...]:
    """Return all handwritten entries in the order of files; empty without the folder."""
    return tuple(entry for path in sorted(HAND.glob("*.toml")) for entry in _read_entries(path))


def _read_entries(path: Path) -> list[Entry]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Entry(
            _join_whitespace(e["subproblem"]),
            _join_whitespace(e["subroutine"]),
            table["domain"],
            f"hand/{path.stem}",
        )
        for e in table["entry"]
    ]


def _join_whitespace(text: str) -> str:
    return " ".join(text.split())
