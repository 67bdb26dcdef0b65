"""The processes that `tests.campaigns.kills` kills: each does its work until it kills itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from rm_local.store.build.pipeline import build_store
from rm_local.store.build.source import EntryBatch
from rm_local.store.store import Store
from tests.support.faults.steps import begin_counting
from tests.support.faults.stores import DIMENSION, MADE, ids_of
from tests.support.stores import MadeSource, entries, vectors

BATCH = 7
BLOCK_ROWS = 4000
PROCESSES = 2

Point = Literal["call", "write", "block"]
"""At what a build is killed: a step of the process that leads it, or a block of entries that any of
its processes reads to encode it."""


@dataclass(frozen=True)
class KillingSource(MadeSource):
    """Kills the process that leads a build when a block is read to be encoded."""

    leader: int = 0
    killing_block: int = 0
    trained: str = ""
    """A file that is there once blocks are read to be encoded."""

    def read_block(self, number: int) -> EntryBatch:
        """The rows of one block."""
        if number == self.killing_block and Path(self.trained).exists():
            os.kill(self.leader, signal.SIGKILL)
        return super().read_block(number)


def build_one(path: Path, rows: int, point: Point | None = None, step: int = 0) -> None:
    """Build a store with PROCESSES; this one is killed at a step of `point`, counted from 0."""
    source = MadeSource(rows, block_rows=BLOCK_ROWS)
    if point == "block":
        trained = path.with_name(path.name + ".build") / "trained.npz"
        source = KillingSource(rows, DIMENSION, BLOCK_ROWS, os.getpid(), step, str(trained))
    elif point:
        begin_counting(point, step + 1)
    # As many processes on a machine with one core, too.
    with (
        patch("rm_local.store.build.pipeline.count_usable_processors", lambda: PROCESSES),
        patch("rm_local.store.build.pipeline.ROWS_FOR_A_PROCESS", rows // PROCESSES),
    ):
        build_store(path, source, embedder=MADE, clusters=rows // 1000)


def print_line(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def write_on(path: Path, turns: float = inf, say: Callable[..., None] = print_line) -> None:
    """Add, replace and delete in turn; say what is committed, after it is."""
    with Store.open(path, write=True) as store:
        last, turn = ids_of(store)[-1], 0
        say("open")
        while turn < turns:
            unit = vectors(BATCH, dimension=DIMENSION, seed=last)
            added = store.add_entries(entries(BATCH), unit)
            say("in", *added)
            say("going", added[1])
            new = store.replace_entry(added[1], entries(1)[0], unit[0])
            say("out", added[1])
            say("in", new)
            say("going", added[0])
            store.delete_entries([added[0]])
            say("out", added[0])
            last, turn = new, turn + 1


def main(kind: str, path: str, *arguments: str) -> None:
    """`build PATH ROWS [POINT STEP]`, or `write PATH KIND STEP`."""
    match kind, arguments:
        case "build", (rows,):
            build_one(Path(path), int(rows))
        case "build", (rows, "call" | "write" | "block" as point, step):
            build_one(Path(path), int(rows), point, int(step))
        case "write", ("call" | "write" as counted, step):
            begin_counting(counted, int(step) + 1)
            write_on(Path(path))
        case _:
            raise SystemExit(main.__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
