"""Change one byte in each of many places of a store, and see what becomes of it:
`python -m tests.campaigns.corruption --places 500 [--rows N] [--seed S]`.

Each damaged copy is looked at by a process of its own. What no error and no `verify` has found
must be harmless: all entries, vectors and answers equal to the undamaged store's, byte for byte.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rm_local.errors import StoreError
from rm_local.records import Entry
from rm_local.store.store import Store
from tests.support.faults.pages import Pages, difference
from tests.support.faults.stores import fingerprint, ids_of, made_store
from tests.support.watchdog import HANG_SECONDS

FOUND_AT_OPEN, FOUND_BY_VERIFY, HARMLESS = "found at open", "found by verify", "harmless"
BAD = WRONG, WRONG_TEXT, CRASH = "WRONG", "WRONG TEXT", "CRASH"
FORK = get_context("fork")

Texts = dict[int, tuple[str, str]]
"""Texts of entries, by id."""


@dataclass(frozen=True)
class Change:
    """One byte that is changed."""

    place: int
    before: int
    after: int


def changes(data: bytes, count: int, rng: random.Random) -> list[Change]:
    """`count` different places; one bit, or all of the byte, is another."""
    found = []
    for place in rng.sample(range(len(data)), count):
        before = data[place]
        flipped = before ^ 1 << rng.randrange(8)
        after = flipped if rng.random() < 0.5 else (before + rng.randrange(1, 256)) % 256
        found.append(Change(place, before, after))
    return found


def look(path: Path, wanted: str, texts: Texts) -> tuple[str, str]:
    """What becomes of a damaged store: how it is found, or that it is harmless; and a message."""
    try:
        with Store.open(path) as store:
            try:
                held, message = fingerprint(store), ""
            except StoreError as error:
                held, message = "", str(error)
            if faults := store.verify():
                # A text is never another one, not even before `verify` has looked.
                return (WRONG_TEXT if wrong_text(store, texts) else FOUND_BY_VERIFY), faults[0]
    except StoreError as error:
        return FOUND_AT_OPEN, str(error)
    if message:
        return WRONG, f"verify finds nothing, and yet: {message}"
    return (HARMLESS, "") if held == wanted else (WRONG, "other contents or answers")


def texts_of(entry: Entry) -> tuple[str, str]:
    """What an entry must never have another of."""
    return entry.subproblem, entry.subroutine


def wrong_text(store: Store, texts: Texts) -> bool:
    """Whether any entry is given with another text than its own."""
    for id, text in texts.items():
        with suppress(StoreError):
            if texts_of(store.get([id])[0]) != text:
                return True
    return False


def in_a_process(path: Path, wanted: str, texts: Texts) -> tuple[str, str]:
    """`look` in a process of its own; CRASH when it ends in any other way than by an answer."""
    here, there = FORK.Pipe(duplex=False)
    child = FORK.Process(target=lambda: there.send(look(path, wanted, texts)))
    child.start()
    there.close()
    try:
        if not here.poll(HANG_SECONDS):
            return CRASH, f"no answer in {HANG_SECONDS:.0f} s"
        how, said = here.recv()
        return how, said
    except EOFError:
        child.join()
        return CRASH, f"the process ended with {child.exitcode}"
    finally:
        child.kill()
        child.join()
        here.close()


def run(folder: Path, places: int, rows: int, seed: int) -> Counter[tuple[str, str]]:
    """Print one line for each place that is not plainly found; how often each outcome came."""
    path, copy = folder / "whole.rms", folder / "damaged.rms"
    made_store(path, rows)
    data = path.read_bytes()
    with Store.open(path) as store:
        assert store.verify() == []
        wanted = fingerprint(store)
        texts = {entry.id: texts_of(entry) for entry in store.get(ids_of(store))}
    pages = Pages(path)
    print(f"{rows:,} rows, {len(data):,} bytes, {places} places, seed {seed}", flush=True)
    counts: Counter[tuple[str, str]] = Counter()
    for change in changes(data, places, random.Random(seed)):
        damaged = bytearray(data)
        damaged[change.place] = change.after
        copy.write_bytes(damaged)
        how, said = in_a_process(copy, wanted, texts)
        kind = difference(path, copy) if how == HARMLESS else pages.kind(change.place)
        counts[how, kind] += 1
        if how in BAD:
            line = f"{change.place}: {change.before} -> {change.after}, {kind}: {how}: {said}"
            print(line, flush=True)
    return counts


def main() -> int:
    """Run the command; 1 when a place was wrong or crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=500)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = run(Path(folder), chosen.places, chosen.rows, chosen.seed)
    for how in (FOUND_AT_OPEN, FOUND_BY_VERIFY, HARMLESS, *BAD):
        kinds = {kind: number for (each, kind), number in counts.items() if each == how}
        listed = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
        print(f"{how:<16} {sum(kinds.values()):>5}  {listed}")
    return 1 if any(how in BAD for how, _ in counts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
