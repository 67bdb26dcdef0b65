"""Computes fingerprints of entries, to compare whole stores in bounded memory."""

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
from rm_local.store.sqlite.tables import make_entry_metadata

Fingerprints = NDArray[np.uint64]
"""64 bits per entry: the probability of a collision among 64 million entries is 1 in 9,000."""

BYTES = 8
HASH_STEP = np.uint64(0x9E3779B97F4A7C15)
"""Difference between the changed fingerprints of equal entries; odd, so that all differ."""


def encode_texts(entry: Entry) -> bytes:
    """Encode subproblem and subroutine."""
    return join_texts(entry.subproblem, entry.subroutine)


def encode_entry(entry: Entry) -> bytes:
    """Encode all fields of an entry except its id."""
    label = (each.encode("utf-8", "surrogatepass") for each in make_entry_metadata(entry))
    return KEY_END.join([encode_texts(entry), *label])


def compute_fingerprints(
    held: StoreSource, part: Callable[[Entry], bytes], on_done: DoneCallback
) -> Fingerprints:
    """Compute the fingerprint of `part(entry)` for each entry, in order of id."""
    found = np.empty(held.rows, np.uint64)
    for number in range(held.blocks):
        digests = [_hash_bytes(part(each)) for each in held.read_entries(number)]
        first = number * held.block_rows
        found[first : first + len(digests)] = np.frombuffer(b"".join(digests), "<u8")
        on_done(first + len(digests))
    return found


def fingerprint_entry(entry: Entry, part: Callable[[Entry], bytes]) -> int:
    """Compute the fingerprint of `part(entry)`."""
    return int.from_bytes(_hash_bytes(part(entry)), "little")


def _hash_bytes(data: bytes) -> bytes:
    return blake2b(data, digest_size=BYTES).digest()


def find_repeated_places(found: Fingerprints) -> Ids:
    """Find the places, ascending, of repeated fingerprints, without the first of each."""
    order = np.argsort(found, kind="stable")
    held = found[order]
    return np.sort(order[1:][held[1:] == held[:-1]])


def distinguish_repeated(found: Fingerprints) -> Fingerprints:
    """Replace the second, third, ... of equal fingerprints by different ones."""
    order = np.argsort(found, kind="stable")
    held = found[order]
    places = np.arange(len(held))
    firsts = np.ones(len(held), dtype=bool)
    firsts[1:] = held[1:] != held[:-1]
    times = places - np.maximum.accumulate(np.where(firsts, places, 0))
    result = np.empty_like(found)
    result[order] = held + times.astype(np.uint64) * HASH_STEP
    return result


def find_missing_places(found: Fingerprints, others: Fingerprints) -> Ids:
    """Find the places, ascending, of fingerprints that are not in `others`."""
    others = np.sort(others)
    if not len(others):
        return np.arange(len(found))
    near = np.minimum(np.searchsorted(others, found), len(others) - 1)
    return np.flatnonzero(others[near] != found)
