"""Branches grown together: admitted to the cache, prefilled, stepped in one batch, ended.

All branches share the root's cells; branches with the same forced text share those too. When the
cells run out, the branch that has written least makes room: it waits, and is evaluated again when
others have ended. So what branches may write together is not bound by the context.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from rm_local.engine.protocol import Ended, Reply
from rm_local.engine.worker import finite
from rm_local.engine.worker.branch import Branch
from rm_local.engine.worker.cache import ROOT, Cache, Full, Row
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.outbox import Outbox
from rm_local.engine.worker.tally import Tally
from rm_local.engine.worker.vocab import Vocab
from rm_local.records import StopReason

_HEADROOM = 16
"""A branch is admitted when a 16th of the context (or its budget) is free for it to write in."""


class Growth:
    """One `Grow` request. The root holds `shared` tokens that begin every branch."""

    def __init__(
        self,
        cache: Cache,
        vocab: Vocab,
        inbox: Inbox,
        tally: Tally,
        branches: Sequence[Branch],
        send: Callable[[Reply], None],
    ) -> None:
        self._cache = cache
        self._vocab = vocab
        self._inbox = inbox
        self._tally = tally
        self._waiting = deque(branches)
        self._live: list[Branch] = []
        self._free = list(range(cache.branches, 0, -1))
        self._outbox = Outbox(send)
        self._keeps = len(branches) == 1 and cache.rewinds
        self._began: float | None = None

    def run(self, shared: int) -> None:
        """Until every branch has ended; `shared` tokens of each are in the root."""
        self._shared = shared
        while self._waiting or self._live:
            self._end_stopped()
            if self._waiting:
                with self._tally.prefill():
                    self._admit()
            with self._tally.decode():
                self._step()

    def abandon(self) -> None:
        """End all that is left, after the request was cancelled."""
        for branch in [*self._live, *self._waiting]:
            self._end(branch, self._inbox.cancelled or "cancelled")

    def close(self) -> None:
        """Free what is left after an error."""
        for branch in [*self._live, *self._waiting]:
            branch.sampler.close()
            self._release(branch)

    def _end_stopped(self) -> None:
        for branch in [*self._live, *self._waiting]:
            if reason := self._inbox.stopped(branch.index):
                self._end(branch, reason)
            elif branch.left < 1:
                self._end(branch, "length")

    def _admit(self) -> None:
        """Give waiting branches a sequence while there is room; evaluate what is theirs alone."""
        groups: dict[tuple[int, ...], list[Branch]] = {}
        own = sum(len(branch.tokens) - self._shared for branch in self._live)
        room = self._cache.capacity - self._shared - own
        while self._waiting and self._free:
            branch = self._waiting[0]
            rest = tuple(branch.tokens[self._shared :])
            new = 0 if rest in groups else len(rest)
            spare = min(branch.left, self._cache.capacity // _HEADROOM)
            if (self._live or groups) and new + spare > room:
                break
            room -= new + spare
            branch.sequence = self._free.pop()
            groups.setdefault(rest, []).append(self._waiting.popleft())
            self._live.append(branch)
        if groups:
            self._outbox.flush()
            self._prefill(groups)

    def _prefill(self, groups: dict[tuple[int, ...], list[Branch]]) -> None:
        """Evaluate each group's tokens once, in full batches; draw each branch's first token."""
        rows: list[Row] = []
        complete: list[tuple[int, list[Branch]]] = []
        for rest, members in groups.items():
            leader = members[0].sequence
            self._cache.fork(ROOT, leader)
            self._tally.evaluated(self._shared, self._shared + len(rest))
            for offset, token in enumerate(rest):
                last = offset == len(rest) - 1
                rows.append((token, self._shared + offset, leader, last))
                if last:
                    complete.append((len(rows) - 1, members))
                if len(rows) == self._cache.batch:
                    self._flush(rows, complete)
        if rows:
            self._flush(rows, complete)

    def _flush(self, rows: list[Row], complete: list[tuple[int, list[Branch]]]) -> None:
        self._cache.decode(rows)
        for _, members in complete:
            for branch in members[1:]:
                self._cache.fork(members[0].sequence, branch.sequence)
            for branch in members:
                branch.evaluated = len(branch.tokens)
        for row, _ in complete:
            finite.check_all(self._cache.context, row, self._vocab.size)
        drawn = [
            (branch, branch.sampler.draw(self._cache.context, row))
            for row, members in complete
            for branch in members
        ]
        self._began = self._began or time.monotonic()
        for branch, token in drawn:
            self._take(branch, token)
        rows.clear()
        complete.clear()

    def _step(self) -> None:
        """One more token for every live branch, in one batch."""
        while self._live:
            live = list(self._live)
            rows = [(branch.tokens[-1], branch.evaluated, branch.sequence, True) for branch in live]
            try:
                self._cache.decode(rows)
            except Full:
                self._make_room()
                continue
            for row, branch in enumerate(live):
                branch.evaluated += 1
                token = branch.sampler.draw(self._cache.context, row)
                finite.check_drawn(self._cache.context, row, token)
                self._take(branch, token)
            break
        self._outbox.tick()

    def _make_room(self) -> None:
        """Let the branch that has written least wait; a branch that is alone has met the end."""
        if len(self._live) == 1:
            self._end(self._live[0], "length")
            return
        branch = min(self._live, key=lambda branch: (branch.written, -branch.index))
        self._live.remove(branch)
        self._release(branch)
        self._waiting.append(branch)

    def _take(self, branch: Branch, token: int) -> None:
        if not branch.endless and self._vocab.ends(token):
            self._end(branch, "end")
            return
        self._tally.written += 1
        pieces, stopped = branch.write(token, self._vocab.piece(token))
        self._outbox.add(pieces)
        if stopped:
            self._end(branch, "end", stopped=True)
        elif branch.left < 1 or len(branch.tokens) >= self._cache.capacity:
            self._end(branch, "length")

    def _end(self, branch: Branch, reason: StopReason, *, stopped: bool = False) -> None:
        if branch in self._live:
            self._live.remove(branch)
        else:
            self._waiting.remove(branch)
        self._outbox.add(branch.close(stopped))
        if self._keeps and branch.evaluated and branch.sequence:
            self._cache.adopt(branch.sequence, branch.tokens[: branch.evaluated])
        self._release(branch)
        seconds = time.monotonic() - self._began if self._began else 0.0
        self._outbox.end(Ended(branch.index, reason, branch.written, seconds))

    def _release(self, branch: Branch) -> None:
        if branch.sequence:
            self._cache.drop(branch.sequence)
            self._free.append(branch.sequence)
        branch.sequence = branch.evaluated = 0
