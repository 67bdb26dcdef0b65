"""Kill processes that build or write, with SIGKILL, at steps drawn from all of their work:
`python -m tests.campaigns.kills --times 200 [--rows N] [--seed S]`.

Half of the kills hit a build by several processes, half a writer that adds, replaces and deletes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from rm_local.store.store import Store
from tests.campaigns.victims import BATCH, BLOCK_ROWS, Point, build_one, write_on
from tests.support.faults.steps import KINDS, Kind, count_steps
from tests.support.faults.stores import fingerprint, ids_of, made_store
from tests.support.processes import has_ended

POINTS: tuple[Point, ...] = (*KINDS, "block")
ROUND = 10
TURNS = 60
"""Rounds of adding, replacing and deleting among which the step of a writer's kill is drawn."""


def killed(*arguments: object) -> tuple[bool, list[str]]:
    """Start a victim: whether it was killed, and what it said before.

    RuntimeError: it ended with an error, or what it had started outlives it.
    """
    command = [sys.executable, "-m", "tests.campaigns.victims", *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, start_new_session=True)
        if child.wait() not in (0, -signal.SIGKILL):
            raise RuntimeError(f"{arguments}: exit {child.returncode}")
        if left := [pid for pid in started_by(child.pid) if not has_ended(pid)]:
            raise RuntimeError(f"{arguments}: processes {left} were left behind")
        out.seek(0)
        said = out.read()
    # What it was killed in the middle of saying, it has not said.
    return child.returncode != 0, said[: said.rfind("\n") + 1].splitlines()


def started_by(child: int) -> list[int]:
    """Processes that still run in the session which this child began (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == child and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def texts_of(path: Path) -> dict[int, str]:
    """All entries of a store, by id."""
    with Store.open(path) as store:
        ids = ids_of(store)
        return {id: str(entry) for id, entry in zip(ids, store.get(ids), strict=True)}


def steps_of_builds(path: Path, rows: int) -> dict[Point, int]:
    """How many steps of each kind a whole build takes, which is then at `path`."""
    steps: dict[Point, int] = {"block": -(-rows // BLOCK_ROWS)}
    for kind in KINDS:
        path.unlink(missing_ok=True)
        steps[kind] = count_steps(kind, lambda: build_one(path, rows))
    return steps


def kill_builds(folder: Path, times: int, rows: int, rng: random.Random) -> tuple[int, int]:
    """Kill builds `times` times in all; each continues until it is done: kills and builds."""
    path, whole, kills, builds = folder / "built.rms", folder / "whole.rms", 0, 0
    steps = steps_of_builds(whole, rows)
    with Store.open(whole) as store:
        wanted = fingerprint(store)
    while kills < times:
        hit = True
        while hit:
            point = POINTS[kills % len(POINTS)]
            drawn = (point, rng.randrange(steps[point])) if kills < times else ()
            hit, _ = killed("build", path, rows, *drawn)
            kills += hit
        with Store.open(path) as store:
            assert store.verify() == []
            assert fingerprint(store) == wanted
        assert sorted(each.name for each in folder.iterdir()) == ["built.rms", "whole.rms"]
        path.unlink()
        builds += 1
        print(f"builds: {kills} kills, {builds} builds equal to the unkilled one", flush=True)
    whole.unlink()
    return kills, builds


def steps_of_writers(whole: Path, path: Path) -> dict[Kind, int]:
    """How many steps of each kind TURNS of writing to a copy of `whole` at `path` take."""
    steps: dict[Kind, int] = {}
    for kind in KINDS:
        shutil.copy(whole, path)
        steps[kind] = count_steps(kind, lambda: write_on(path, TURNS, lambda *_: None))
    return steps


def kill_writers(folder: Path, times: int, rng: random.Random) -> tuple[int, int]:
    """Kill writers `times` times: kills, and entries that were committed by them."""
    path, whole = folder / "written.rms", folder / "whole.rms"
    made_store(whole, 3000)
    steps = steps_of_writers(whole, path)
    committed = kills = logs = 0
    while kills < times:
        if kills % ROUND == 0:
            # Begin again with a small store, as all of it is read after each kill.
            shutil.copy(whole, path)
            expected = texts_of(path)
        kind = KINDS[kills % len(KINDS)]
        hit, said = killed("write", path, kind, rng.randrange(steps[kind]))
        kills += hit
        logs += path.with_name(path.name + "-wal").exists()
        going: set[int] = set()
        for line in said:
            what, *numbers = line.split()
            ids = set(map(int, numbers))
            if what == "in":
                committed += len(ids)
                expected |= dict.fromkeys(ids, "")
            elif what == "out":
                going = set()
                for id in ids:
                    del expected[id]
            elif what == "going":
                going = ids
        with Store.open(path) as store:
            assert store.verify() == []
        held = texts_of(path)
        assert expected.keys() - held.keys() <= going, "a committed entry is lost"
        assert all(expected[id] in ("", held[id]) for id in held.keys() & expected.keys())
        # What was committed and could not be reported any more is one transaction's at most.
        assert len(held.keys() - expected.keys()) <= BATCH
        expected = held
        print(f"writers: {kills} kills, {committed:,} entries committed", flush=True)
    print(
        f"writers: {kills} kills, {committed:,} entries committed, {logs} logs left behind",
        flush=True,
    )
    return kills, committed


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--rows", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        kill_writers(Path(folder), chosen.times - chosen.times // 2, rng)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        kill_builds(Path(folder), chosen.times // 2, chosen.rows, rng)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
