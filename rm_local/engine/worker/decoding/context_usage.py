"""How full the context is, told when it has changed enough to be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rm_local.engine.branches import ContextUsage
from rm_local.engine.protocol import Reply
from rm_local.engine.worker.decoding.branch import Branch

_STEPS = 100
"""A change of a hundredth is told."""


class ContextUsageReporter:
    """Counts the cells that the root and its branches take, each once."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._told = ContextUsage(0, 0, 0)

    def tell(self, shared: int, live: Collection[Branch], context: int, *, now: bool) -> None:
        """Send the count if it has changed by a step, or, for `now`, at all.

        `shared` tokens of each branch are in the root.
        """
        cells = used(shared, live)
        moved = abs(cells - self._told.used) * _STEPS >= context
        if not (moved or now or context != self._told.context):
            return
        longest = max((len(branch.tokens) for branch in live), default=shared)
        usage = ContextUsage(cells, longest, context)
        if usage != self._told:
            self._told = usage
            self._send(usage)


def used(shared: int, live: Collection[Branch]) -> int:
    """Cells taken: what all share, what groups share, and what each branch has alone."""
    there = [branch for branch in live if branch.evaluated]
    groups = {branch.group: branch.common for branch in there}
    alone = sum(branch.evaluated - shared - branch.common for branch in there)
    return shared + sum(groups.values()) + alone
