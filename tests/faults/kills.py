"""Kill processes that build or write, at random moments, with SIGKILL:
`python -m tests.faults.kills --times 200 [--rows N] [--seed S]`.

Half of the kills hit a build by several processes, half a writer that adds, replaces and deletes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from rm_local.memory.bulk.build import build
from rm_local.memory.store import Store
from tests.faults.stores import DIMENSION, MADE, fingerprint, ids_of, made_store
from tests.stores import MadeSource, entries, vectors

BATCH = 7
ROUND = 10


def build_one(path: Path, rows: int) -> None:
    """What the child that builds does."""
    build(path, MadeSource(rows, block_rows=4000), embedder=MADE, clusters=rows // 1000)


def write_on(path: Path) -> None:
    """What the child that writes does: print what is committed, after it is."""
    with Store.open(path, write=True) as store:
        last = ids_of(store)[-1]
        print("open", flush=True)
        while True:
            unit = vectors(BATCH, dimension=DIMENSION, seed=last)
            added = store.add(entries(BATCH), unit)
            print("in", *added, flush=True)
            print("going", added[1], flush=True)
            new = store.replace(added[1], entries(1)[0], unit[0])
            print("out", added[1], flush=True)
            print("in", new, flush=True)
            print("going", added[0], flush=True)
            store.delete([added[0]])
            print("out", added[0], flush=True)
            last = new


def killed(arguments: list[str], seconds: float) -> tuple[bool, list[str]]:
    """Start this module as a child and kill it after so long: whether it was, and what it said.

    RuntimeError: it ended with an error, or what it had started outlives it by ten seconds.
    """
    command = [sys.executable, "-m", "tests.faults.kills", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # Only the child itself: what it started finds out, or works on for a while.
        os.kill(child.pid, signal.SIGKILL)
        said, _ = child.communicate()
    if child.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{arguments}: exit {child.returncode}")
    until = time.monotonic() + 10
    while left := started_by(child.pid):
        if time.monotonic() > until:
            raise RuntimeError(f"{arguments}: processes {left} were left behind")
        time.sleep(0.02)
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


def kill_builds(folder: Path, times: int, rows: int, rng: random.Random) -> tuple[int, int]:
    """Kill builds `times` times in all; each goes on until it is done: kills and builds."""
    whole = folder / "whole.rms"
    started = time.monotonic()
    killed(["--build", str(whole), str(rows)], 600)
    seconds = time.monotonic() - started
    with Store.open(whole) as store:
        wanted = fingerprint(store)
    kills = builds = 0
    while kills < times:
        path = folder / "built.rms"
        while True:
            limit = rng.uniform(0.05, 0.9) * seconds if kills < times else 600
            started = time.monotonic()
            hit, _ = killed(["--build", str(path), str(rows)], limit)
            if not hit:
                # Another program may have left less of the machine to the first build.
                seconds = min(seconds, time.monotonic() - started)
                break
            kills += 1
        with Store.open(path) as store:
            assert store.verify() == []
            assert fingerprint(store) == wanted
        assert sorted(each.name for each in folder.iterdir()) == ["built.rms", "whole.rms"]
        path.unlink()
        builds += 1
        print(f"builds: {kills} kills, {builds} builds equal to the unkilled one", flush=True)
    whole.unlink()
    return kills, builds


def kill_writers(folder: Path, times: int, rng: random.Random) -> tuple[int, int]:
    """Kill writers `times` times: kills, and entries that were committed by them."""
    path, whole = folder / "written.rms", folder / "whole.rms"
    made_store(whole, 3000)
    committed = kills = logs = 0
    while kills < times:
        if kills % ROUND == 0:
            # Begin again with a small store, as all of it is read after each kill.
            shutil.copy(whole, path)
            expected = texts_of(path)
        hit, said = killed(["--write", str(path)], rng.uniform(0.5, 2.5))
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
        # What was committed and could not be told any more is one transaction's at most.
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
    if sys.argv[1:2] == ["--build"]:
        build_one(Path(sys.argv[2]), int(sys.argv[3]))
        return 0
    if sys.argv[1:2] == ["--write"]:
        write_on(Path(sys.argv[2]))
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
