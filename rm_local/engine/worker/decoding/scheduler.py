"""Branches generated together: admitted to the cache, prefilled, stepped in one batch, ended.

All branches share the root's cells; branches with the same forced text share those too. When the
cells run out, the branch that has written least makes room: it waits, and is evaluated again when
others have ended. So what branches may write together is not bound by the context; what a single
one may write is, unless its turn makes room.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from rm_local.engine.branches import BranchEnded
from rm_local.engine.protocol import Reply
from rm_local.engine.worker.decoding import nan_check
from rm_local.engine.worker.decoding.branch import Branch
from rm_local.engine.worker.decoding.context_usage import ContextUsageReporter
from rm_local.engine.worker.decoding.outbox import Outbox
from rm_local.engine.worker.decoding.stats import StatsRecorder
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.kv_cache import ROOT, Cache, Full, Row
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.records import StopReason

_HEADROOM = 16
"""A branch is admitted when a 16th of the context (or its budget) is free for it to write in."""


class BatchScheduler:
    """Serves one `Generate` request. The root holds the tokens that every branch begins with."""

    def __init__(
        self,
        cache: Cache,
        vocab: Vocab,
        inbox: Inbox,
        tally: StatsRecorder,
        branches: Sequence[Branch],
        send: Callable[[Reply], None],
        *,
        share_prefix: Callable[[Sequence[Branch]], int],
        make_room: Callable[[Sequence[Branch]], bool],
    ) -> None:
        """`share_prefix` puts what begins all branches into the root; how many tokens.

        `make_room` enlarges the context or shortens the prompt; False when neither is possible.
        """
        self._cache = cache
        self._vocab = vocab
        self._inbox = inbox
        self._tally = tally
        self._share_prefix = share_prefix
        self._ask_for_room = make_room
        self._waiting = deque(branches)
        self._live: list[Branch] = []
        self._free = list(range(cache.branches, 0, -1))
        self._send = send
        self._outbox = Outbox(send)
        self._meter = ContextUsageReporter(send)
        self._shared = 0
        """Tokens of the root that all branches begin with."""
        self._groups = 0
        """Groups of branches with the same forced text that were admitted so far."""
        self._keeps = len(branches) == 1 and cache.rewinds
        self._began: float | None = None
        self._before = tally.evaluated_so_far()
        self._reported = False
        """Whether the prefill of the first branches was reported."""

    def run(self) -> None:
        """Until every branch has ended."""
        self._shared = self._share_prefix(self._waiting)
        while self._waiting or self._live:
            self._end_stopped()
            if self._waiting:
                with self._tally.prefill():
                    self._admit()
                self._report_evaluated()
            with self._tally.decode():
                self._step()

    def abandon(self) -> None:
        """End all that is left, after the request was cancelled."""
        for branch in [*self._live, *self._waiting]:
            self._end(branch, self._inbox.cancelled or "cancelled")

    def close(self) -> None:
        """Free what is left after an error."""
        for branch in [*self._live, *self._waiting]:
            branch.free()
            self._release(branch)

    def _end_stopped(self) -> None:
        for branch in [*self._live, *self._waiting]:
            if reason := self._inbox.stopped(branch.index):
                self._end(branch, reason)
            elif branch.left < 1:
                self._end(branch, "length")
        for branch in list(self._live):
            if branch in self._live and self._fills(branch):
                self._relieve(branch)

    def _fills(self, branch: Branch) -> bool:
        """Whether it is as long as the context, with the next of what is forced into it."""
        return len(branch.tokens) + bool(branch.pending) >= self._cache.capacity

    def _relieve(self, branch: Branch) -> None:
        """Let all branches go on where there is more room, or end the one that has none left."""
        if not self._ask_for_room([*self._live, *self._waiting]):
            self._end(branch, "context")
            return
        for each in self._live:
            self._release(each)
        self._waiting = deque([*self._live, *self._waiting])
        self._live.clear()
        self._shared = self._share_prefix(self._waiting)

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

    def _report_evaluated(self) -> None:
        """Send the tokens evaluated for the first branches, once."""
        if not self._reported:
            self._reported = True
            self._send(self._tally.evaluated_since(self._before))

    def _prefill(self, groups: dict[tuple[int, ...], list[Branch]]) -> None:
        """Evaluate each group's tokens once, in full batches; draw each branch's first token."""
        rows: list[Row] = []
        complete: list[tuple[int, list[Branch]]] = []
        for rest, members in groups.items():
            leader = members[0].sequence
            self._groups += 1
            for branch in members:
                branch.group, branch.common = self._groups, len(rest)
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
            nan_check.check_all(self._cache.context, row, self._vocab.size)
        drawn = [
            (branch, branch.draw(self._cache.context, row), row)
            for row, members in complete
            for branch in members
            if not branch.pending
        ]
        self._began = self._began or time.monotonic()
        for branch, token, row in drawn:
            self._take(branch, token, row)
        rows.clear()
        complete.clear()

    def _step(self) -> None:
        """One more token for every live branch, in one batch with what is forced into some."""
        while self._live:
            rows, steps = self._build_batch()
            try:
                if rows:
                    self._cache.decode(rows)
            except Full:
                self._make_room()
                continue
            for branch, evaluated, row in steps:
                branch.evaluated += evaluated
                if branch.pending or branch.evaluated < len(branch.tokens):
                    continue
                token = branch.draw(self._cache.context, row)
                nan_check.check_drawn(self._cache.context, row, token)
                self._take(branch, token, row)
            break
        self._outbox.tick()
        if self._live:
            self._tell_usage(now=False)

    def _build_batch(self) -> tuple[list[Row], list[tuple[Branch, int, int]]]:
        """The next batch; each branch in it, how many of its tokens, and the row of the last.

        With forced tokens it is no larger than one with a token each of as many branches as there
        may be, so that no branch waits for those of another.
        """
        rows: list[Row] = []
        steps: list[tuple[Branch, int, int]] = []
        spare = max(0, self._cache.branches - len(self._live))
        for branch in self._live:
            waiting = len(branch.tokens) - branch.evaluated
            room = self._cache.capacity - 1 - len(branch.tokens)
            branch.append_pending(max(0, min(spare + 1 - waiting, room)))
            tokens = branch.tokens[branch.evaluated :][: spare + 1]
            spare -= max(0, len(tokens) - 1)
            last = len(branch.tokens) - 1
            for place, token in enumerate(tokens, branch.evaluated):
                wanted = place == last and not branch.pending
                rows.append((token, place, branch.sequence, wanted))
            if tokens:
                steps.append((branch, len(tokens), len(rows) - 1))
        return rows, steps

    def _tell_usage(self, *, now: bool) -> None:
        """How full the context is, where it has changed."""
        self._meter.tell(self._shared, self._live, self._cache.capacity, now=now)

    def _make_room(self) -> None:
        """Let the branch that has written least wait; a branch that is alone has met the end."""
        if len(self._live) == 1:
            self._relieve(self._live[0])
            return
        branch = min(self._live, key=lambda branch: (branch.written, -branch.index))
        self._live.remove(branch)
        self._release(branch)
        self._waiting.append(branch)

    def _take(self, branch: Branch, token: int, row: int) -> None:
        """Let the branch write a token, or, in its stead, what the calculator has for it."""
        if branch.result and not self._vocab.piece(token).startswith(b"="):
            self._force(branch)
            return
        branch.result = ""
        if not branch.endless and self._vocab.ends(token):
            self._end(branch, "end")
            return
        self._tally.written += 1
        if branch.logprobs:
            branch.logprobs.add(self._cache.context, row, token)
        raw = self._vocab.piece(token)
        pieces, stopped = branch.write(token, raw)
        self._outbox.add(pieces)
        text = raw.decode("utf-8", "replace")
        repeats = branch.repetition and branch.repetition.add_token(token, text)
        if stopped:
            self._end(branch, "end", stopped=True)
        elif repeats:
            self._end(branch, "repeating")
        elif branch.left < 1:
            self._end(branch, "length")
        elif branch.result and self._vocab.joins_equals:
            self._force(branch)

    def _force(self, branch: Branch) -> None:
        """Put the calculator's result into the branch; the next batches evaluate it."""
        tokens = self._vocab.data(branch.result)
        self._tally.calculated += len(tokens)
        pieces, stopped = branch.force(tokens)
        self._outbox.add(pieces)
        detector = branch.repetition
        texts = [self._vocab.piece(token).decode("utf-8", "replace") for token in tokens]
        pairs = zip(tokens, texts, strict=True)
        if stopped:
            self._end(branch, "end", stopped=True)
        elif detector and any([detector.add_token(token, text) for token, text in pairs]):
            self._end(branch, "repeating")

    def _end(self, branch: Branch, reason: StopReason, *, stopped: bool = False) -> None:
        self._tell_usage(now=True)
        if branch in self._live:
            self._live.remove(branch)
        else:
            self._waiting.remove(branch)
        self._outbox.add(branch.close(stopped))
        if self._keeps and branch.evaluated and branch.sequence:
            self._cache.adopt(branch.sequence, branch.tokens[: branch.evaluated])
        self._release(branch)
        seconds = time.monotonic() - self._began if self._began else 0.0
        ended = BranchEnded(branch.index, reason, branch.written, seconds, forced=branch.forced)
        self._outbox.end(branch.logprobs.told(ended) if branch.logprobs else ended)

    def _release(self, branch: Branch) -> None:
        if branch.sequence:
            self._cache.drop(branch.sequence)
            self._free.append(branch.sequence)
        branch.sequence = branch.evaluated = 0
