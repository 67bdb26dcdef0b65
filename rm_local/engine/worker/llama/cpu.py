"""Chooses the number of threads for a model on this machine."""

from __future__ import annotations

from rm_local.system import count_physical_cores

SMALL = 64 << 20
"""Bytes of weights below which a model gets one thread; a second one would mostly wait."""


def choose_thread_count(weight_bytes: int) -> int:
    """Choose the number of threads for a model of `weight_bytes`: 1, or all physical cores."""
    return 1 if weight_bytes < SMALL else count_physical_cores()
