"""Chooses the number of threads for a model on this machine."""

from __future__ import annotations

from rm_local.system import physical_cores

SMALL = 64 << 20
"""Bytes of weights below which one thread is used; a second one would mostly wait."""


def choose_thread_count(weights: int) -> int:
    """Return the number of threads for a model with `weights` bytes of weights."""
    return 1 if weights < SMALL else physical_cores()
