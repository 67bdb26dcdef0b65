"""How many threads suit a model on this machine."""

from __future__ import annotations

from rm_local.system import physical_cores

SMALL = 64 << 20
"""Bytes of weights below which a second thread waits longer at barriers than it computes."""


def threads_for(weights: int) -> int:
    """Threads that suit a model of this many bytes."""
    return 1 if weights < SMALL else physical_cores()
