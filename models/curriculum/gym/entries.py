"""Reads `entries.toml`: one store entry for each generator that is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rm_local.records import Entry

FILE = Path(__file__).with_name("entries.toml")


@cache
def read_gym_entries() -> Mapping[str, Entry]:
    """Return the entry of each generator, by the generator's name."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["entry"]
    return {
        row["generator"]: Entry(
            subproblem=row["subproblem"],
            subroutine=" ".join(row["subroutine"].split()),
            domain=row["domain"],
            source=name_source(row["generator"]),
        )
        for row in rows
    }


def name_source(generator: str) -> str:
    """Return the source of the generator's entry in a store: `gym/chain-sum`."""
    return f"gym/{generator.replace('_', '-')}"
