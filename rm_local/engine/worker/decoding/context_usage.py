"""Reports how much of the context is used, after each change by a hundredth of it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rm_local.engine.branches import ContextUsage
from rm_local.engine.protocol import Reply
from rm_local.engine.worker.decoding.branch import BranchState

_STEPS = 100
"""Number of steps into which the context is divided; a change by one step is reported."""


class ContextUsageReporter:
    """Sends the number of used cache cells when it has changed enough since the last report."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._reported = ContextUsage(0, 0, 0)

    def report_usage_if_changed(
        self, shared: int, live: Collection[BranchState], context: int, *, now: bool
    ) -> None:
        """Send `ContextUsage` if the number of used cells has changed by 1/100 of the context.

        With `now`, it is sent after any change.

        `shared`: number of tokens in the prefix sequence that all branches share. `live`: the
        branches in the cache. `context`: capacity of the cache.
        """
        used = count_used_cells(shared, live)
        moved = abs(used - self._reported.used) * _STEPS >= context
        if not (moved or now or context != self._reported.context):
            return
        longest = max((len(branch.tokens) for branch in live), default=shared)
        usage = ContextUsage(used, longest, context)
        if usage != self._reported:
            self._reported = usage
            self._send(usage)


def count_used_cells(shared: int, live: Collection[BranchState]) -> int:
    """Count the used cache cells of all branches; a cell that several branches share counts once.

    `shared`: number of tokens in the prefix sequence. `live`: the branches in the cache.
    """
    evaluated = [branch for branch in live if branch.evaluated]
    groups = {branch.group: branch.common for branch in evaluated}
    alone = sum(branch.evaluated - shared - branch.common for branch in evaluated)
    return shared + sum(groups.values()) + alone
