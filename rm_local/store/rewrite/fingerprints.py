"""Fingerprints of entries, by which those of whole stores are compared in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Ids
from rm_local.progress import DoneCallback
from rm_local.records import Entry
from rm_local.store.codec.text_blocks import KEY_END, join_texts
from rm_local.store.rewrite.store_source import StoreSource
from rm_local.store.sqlite.tables import make_label

Prints = NDArray[np.uint64]
"""64 bits an entry: that any two of 64 million different ones are taken for the same has a chance
of 1 in 9,000."""

BYTES = 8
AGAIN = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that the second of several equal entries gets another print than the first."""


def of_texts(entry: Entry) -> bytes:
    """What an entry with the same subproblem and subroutine has too."""
    return join_texts(entry.subproblem, entry.subroutine)


def of_all(entry: Entry) -> bytes:
    """What only an entry has that is the same but for its id."""
    label = (each.encode("utf-8", "surrogatepass") for each in make_label(entry))
    return KEY_END.join([of_texts(entry), *label])


def prints(held: StoreSource, part: Callable[[Entry], bytes], tell: DoneCallback) -> Prints:
    """The print of each entry's `part`, in order of id; `tell` is told how many are done."""
    found = np.empty(held.rows, np.uint64)
    for number in range(held.blocks):
        digests = [_digest(part(each)) for each in held.entries(number)]
        first = number * held.block_rows
        found[first : first + len(digests)] = np.frombuffer(b"".join(digests), "<u8")
        tell(first + len(digests))
    return found


def print_of(entry: Entry, part: Callable[[Entry], bytes]) -> int:
    """The print of one entry's `part`."""
    return int.from_bytes(_digest(part(entry)), "little")


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=BYTES).digest()


def repeated(found: Prints) -> Ids:
    """The places, ascending, of all prints that stand at an earlier place too."""
    order = np.argsort(found, kind="stable")
    held = found[order]
    return np.sort(order[1:][held[1:] == held[:-1]])


def counted(found: Prints) -> Prints:
    """The prints, but a second, third ... of the same gets one of its own."""
    order = np.argsort(found, kind="stable")
    held = found[order]
    places = np.arange(len(held))
    firsts = np.ones(len(held), dtype=bool)
    firsts[1:] = held[1:] != held[:-1]
    times = places - np.maximum.accumulate(np.where(firsts, places, 0))
    result = np.empty_like(found)
    result[order] = held + times.astype(np.uint64) * AGAIN
    return result


def places_without(found: Prints, others: Prints) -> Ids:
    """The places, ascending, of the prints that are none of `others`."""
    others = np.sort(others)
    if not len(others):
        return np.arange(len(found))
    near = np.minimum(np.searchsorted(others, found), len(others) - 1)
    return np.flatnonzero(others[near] != found)
