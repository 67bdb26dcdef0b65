"""Computes fingerprints (64-bit hashes) of entries, to compare whole stores in little memory."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Ids
from rm_local.progress import DoneCallback
from rm_local.records import Entry
from rm_local.store.codec.text_blocks import KEY_END, check_and_join_texts
from rm_local.store.rewrite.store_source import StoreEntrySource
from rm_local.store.sqlite.tables import make_storable_metadata

Fingerprints = NDArray[np.uint64]
"""Fingerprints of n entries, an array (n,) of 64-bit hashes: the probability of a collision among
64 million entries is 1 in 9,000."""

BYTES = 8
HASH_STEP = np.uint64(0x9E3779B97F4A7C15)
"""Difference between the fingerprints that `distinguish_repeated` gives to equal ones; odd, so that
all of them differ."""


def encode_entry_texts(entry: Entry) -> bytes:
    """Return an entry's subproblem and subroutine as bytes, for a fingerprint of only these."""
    return check_and_join_texts(entry.subproblem, entry.subroutine)


def encode_entry_without_id(entry: Entry) -> bytes:
    """Return an entry's texts and metadata, all except its id, as bytes for a fingerprint."""
    label = (each.encode("utf-8", "surrogatepass") for each in make_storable_metadata(entry))
    return KEY_END.join([encode_entry_texts(entry), *label])


def compute_fingerprints_in_id_order(
    held: StoreEntrySource, encode: Callable[[Entry], bytes], on_done: DoneCallback
) -> Fingerprints:
    """Return the 64-bit hash of `encode(entry)` for each entry of a store, in order of id.

    `on_done` gets the number of processed entries.
    """
    found = np.empty(held.rows, np.uint64)
    for number in range(held.blocks):
        digests = [_hash_bytes(encode(each)) for each in held.read_block_entries(number)]
        first = number * held.block_rows
        found[first : first + len(digests)] = np.frombuffer(b"".join(digests), "<u8")
        on_done(first + len(digests))
    return found


def fingerprint_entry(entry: Entry, encode: Callable[[Entry], bytes]) -> int:
    """Return the 64-bit hash of `encode(entry)`, as in `compute_fingerprints_in_id_order`."""
    return int.from_bytes(_hash_bytes(encode(entry)), "little")


def _hash_bytes(data: bytes) -> bytes:
    return blake2b(data, digest_size=BYTES).digest()


def find_repeated_places(found: Fingerprints) -> Ids:
    """Return the positions, ascending, of fingerprints equal to one at an earlier position."""
    order = np.argsort(found, kind="stable")
    held = found[order]
    return np.sort(order[1:][held[1:] == held[:-1]])


def distinguish_repeated(found: Fingerprints) -> Fingerprints:
    """Return fingerprints without repetition: the second, third, ... of equal ones are changed.

    The k-th of equal ones gets the same new value in any array, so that arrays can be compared.
    """
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
    """Return the positions, ascending, of the fingerprints in `found` that are not in `others`."""
    others = np.sort(others)
    if not len(others):
        return np.arange(len(found))
    near = np.minimum(np.searchsorted(others, found), len(others) - 1)
    return np.flatnonzero(others[near] != found)
