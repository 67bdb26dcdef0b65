"""Reports how full the context is, each time that it has changed visibly."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rm_local.engine.branches import ContextUsage
from rm_local.engine.protocol import Reply
from rm_local.engine.worker.decoding.branch import BranchState

_STEPS = 100
"""A change by one hundredth of the context is reported."""


class ContextUsageReporter:
    """Counts the cells that the prefix sequence and the branches use, each once."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._reported = ContextUsage(0, 0, 0)

    def report_usage(
        self, shared: int, live: Collection[BranchState], context: int, *, now: bool
    ) -> None:
        """Send the count if it has changed by a step or, with `now`, by any amount.

        `shared`: number of tokens of each branch that are in the prefix sequence.
        """
        used = count_cells(shared, live)
        moved = abs(used - self._reported.used) * _STEPS >= context
        if not (moved or now or context != self._reported.context):
            return
        longest = max((len(branch.tokens) for branch in live), default=shared)
        usage = ContextUsage(used, longest, context)
        if usage != self._reported:
            self._reported = usage
            self._send(usage)


def count_cells(shared: int, live: Collection[BranchState]) -> int:
    """Count the cells that all branches share, that groups share, and of single branches."""
    evaluated = [branch for branch in live if branch.evaluated]
    groups = {branch.group: branch.common for branch in evaluated}
    alone = sum(branch.evaluated - shared - branch.common for branch in evaluated)
    return shared + sum(groups.values()) + alone
