"""Generates several branches together: a batch has the next tokens of all branches.

All branches share the cache cells of the prefix sequence; branches with the same forced text also
share the cells of that text. If no cell is free, the branch with the fewest written tokens is
suspended; it is evaluated again after other branches have ended. So the context limits the length
of each branch (unless room is made), but not the sum of all lengths.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from rm_local.engine.branches import BranchEnded
from rm_local.engine.protocol import Reply
from rm_local.engine.worker.decoding import nan_check
from rm_local.engine.worker.decoding.branch import BranchState
from rm_local.engine.worker.decoding.context_usage import ContextUsageReporter
from rm_local.engine.worker.decoding.outbox import Outbox
from rm_local.engine.worker.decoding.stats import StatsRecorder
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.kv_cache import PREFIX, CacheFullError, KVCache, Row
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.records import StopReason

_HEADROOM = 16
"""A branch is admitted if 1/16 of the context, or room for its `max_tokens`, is free."""


class BatchScheduler:
    """Generates the branches of one `Generate` request in common batches, until all have ended.

    A branch waits until it is admitted (gets a sequence of the cache); then it is live.
    """

    def __init__(
        self,
        cache: KVCache,
        vocab: Vocab,
        inbox: Inbox,
        stats: StatsRecorder,
        branches: Sequence[BranchState],
        send: Callable[[Reply], None],
        *,
        share_prefix: Callable[[Sequence[BranchState]], int],
        make_room: Callable[[Sequence[BranchState]], bool],
    ) -> None:
        """Prepare the generation of `branches`.

        `share_prefix` prefills the common prefix of branches, and returns its length in tokens.
        `make_room` enlarges the context or shortens the prompt; it returns False if it cannot.
        """
        self._cache = cache
        self._vocab = vocab
        self._inbox = inbox
        self._stats = stats
        self._prefill_common_prefix = share_prefix
        self._make_room = make_room
        self._waiting = deque(branches)
        self._live: list[BranchState] = []
        self._free = list(range(cache.branches, 0, -1))
        self._send = send
        self._outbox = Outbox(send)
        self._usage = ContextUsageReporter(send)
        self._shared = 0
        """Number of tokens in the prefix sequence that all branches share."""
        self._groups = 0
        """Number of groups admitted so far; the branches of a group have the same forced text."""
        self._keeps_cells = len(branches) == 1 and cache.rewinds
        """Whether the branch's cells become the prefix sequence, for the next call."""
        self._began: float | None = None
        self._before = stats.get_prefill_totals()
        self._reported = False
        """Whether the prefill of the first branches has been reported."""

    def run_batches(self) -> None:
        """Admit branches, and decode batches, until every branch has ended."""
        self._shared = self._prefill_common_prefix(self._waiting)
        while self._waiting or self._live:
            self._end_branches_or_make_room()
            if self._waiting:
                with self._stats.time_prefill():
                    self._admit_prefill_and_sample_branches()
                self._report_first_prefill_once()
            with self._stats.time_decode():
                self._decode_batch_and_sample()

    def end_all_branches_as_cancelled(self) -> None:
        """End all branches that have not ended, because the request was cancelled."""
        for branch in [*self._live, *self._waiting]:
            self._end_branch(branch, self._inbox.cancel_reason or "cancelled")

    def free_remaining_branches(self) -> None:
        """Free the samplers and sequences of branches that have not ended, after an error."""
        for branch in [*self._live, *self._waiting]:
            branch.free_samplers()
            self._release_sequence(branch)

    def _end_branches_or_make_room(self) -> None:
        """End branches that were cancelled or have no tokens left, or that fill the context.

        For a branch that fills the context, room is made first, if that is possible.
        """
        for branch in [*self._live, *self._waiting]:
            if reason := self._inbox.find_branch_cancel_reason(branch.index):
                self._end_branch(branch, reason)
            elif branch.tokens_left < 1:
                self._end_branch(branch, "length")
        for branch in list(self._live):
            if branch in self._live and self._fills_context(branch):
                self._make_room_and_requeue_or_end(branch)

    def _fills_context(self, branch: BranchState) -> bool:
        """Return whether a branch, with its next pending token, is as long as the context."""
        return len(branch.tokens) + bool(branch.pending) >= self._cache.capacity

    def _make_room_and_requeue_or_end(self, branch: BranchState) -> None:
        """Make room in the context, and let all branches wait again; if it fails, end `branch`."""
        if not self._make_room([*self._live, *self._waiting]):
            self._end_branch(branch, "context")
            return
        for each in self._live:
            self._release_sequence(each)
        self._waiting = deque([*self._live, *self._waiting])
        self._live.clear()
        self._shared = self._prefill_common_prefix(self._waiting)

    def _admit_prefill_and_sample_branches(self) -> None:
        """Admit waiting branches while there is room: give them sequences, prefill their tokens.

        The first token of each admitted branch is sampled, too, which can end the branch.
        """
        groups: dict[tuple[int, ...], list[BranchState]] = {}
        own = sum(len(branch.tokens) - self._shared for branch in self._live)
        room = self._cache.capacity - self._shared - own
        while self._waiting and self._free:
            branch = self._waiting[0]
            rest = tuple(branch.tokens[self._shared :])
            new = 0 if rest in groups else len(rest)
            headroom = min(branch.tokens_left, self._cache.capacity // _HEADROOM)
            if (self._live or groups) and new + headroom > room:
                break
            room -= new + headroom
            branch.sequence = self._free.pop()
            groups.setdefault(rest, []).append(self._waiting.popleft())
            self._live.append(branch)
        if groups:
            self._outbox.flush()
            self._prefill_groups_and_sample(groups)

    def _report_first_prefill_once(self) -> None:
        """Send the number of tokens evaluated for the first admitted branches; only once."""
        if not self._reported:
            self._reported = True
            self._send(self._stats.compute_prefill_since(self._before))

    def _prefill_groups_and_sample(self, groups: dict[tuple[int, ...], list[BranchState]]) -> None:
        """Prefill each group's tokens after the shared prefix; sample each branch's first token.

        `groups`: tokens after the prefix -> the branches that have these tokens.
        """
        rows: list[Row] = []
        complete: list[tuple[int, list[BranchState]]] = []
        for rest, members in groups.items():
            leader = members[0].sequence
            self._groups += 1
            for branch in members:
                branch.group, branch.common = self._groups, len(rest)
            self._cache.fork_sequence(PREFIX, leader)
            self._stats.count_as_prompt_or_forced(self._shared, self._shared + len(rest))
            for offset, token in enumerate(rest):
                last = offset == len(rest) - 1
                rows.append((token, self._shared + offset, leader, last))
                if last:
                    complete.append((len(rows) - 1, members))
                if len(rows) == self._cache.batch_size:
                    self._decode_sample_and_clear_prefill_rows(rows, complete)
        if rows:
            self._decode_sample_and_clear_prefill_rows(rows, complete)

    def _decode_sample_and_clear_prefill_rows(
        self, rows: list[Row], complete: list[tuple[int, list[BranchState]]]
    ) -> None:
        """Decode `rows`, and sample the first tokens of groups whose prefill is complete by them.

        `complete`: the last row of each such group, and its branches. Both lists are cleared.
        """
        self._cache.decode_rows(rows)
        for _, members in complete:
            for branch in members[1:]:
                self._cache.fork_sequence(members[0].sequence, branch.sequence)
            for branch in members:
                branch.evaluated = len(branch.tokens)
        for row, _ in complete:
            nan_check.check_logits(self._cache.context, row, self._vocab.size)
        sampled = [
            (branch, branch.sample_token(self._cache.context, row), row)
            for row, members in complete
            for branch in members
            if not branch.pending
        ]
        self._began = self._began or time.monotonic()
        for branch, token, row in sampled:
            self._append_token_and_end_if_due(branch, token, row)
        rows.clear()
        complete.clear()

    def _decode_batch_and_sample(self) -> None:
        """Decode one batch, and sample the next token of each live branch.

        The batch has one token of each branch, and more of branches with forced text. While the
        cache is full, a branch is suspended or room is made, and a new batch is tried. Collected
        chunks are sent if it is time to.
        """
        while self._live:
            rows, steps = self._move_pending_and_build_batch()
            try:
                if rows:
                    self._cache.decode_rows(rows)
            except CacheFullError:
                self._suspend_branch_or_make_room()
                continue
            for branch, evaluated, row in steps:
                branch.evaluated += evaluated
                if branch.pending or branch.evaluated < len(branch.tokens):
                    continue
                token = branch.sample_token(self._cache.context, row)
                nan_check.check_sampled_logit(self._cache.context, row, token)
                self._append_token_and_end_if_due(branch, token, row)
            break
        self._outbox.flush_if_due()
        if self._live:
            self._report_usage_if_changed(now=False)

    def _move_pending_and_build_batch(self) -> tuple[list[Row], list[tuple[BranchState, int, int]]]:
        """Build the next batch: its rows, and each branch with its number of rows and its last row.

        Pending tokens of the branches are moved to their `tokens`, as many as fit. The number of
        rows is at most the maximum number of branches, so that no branch waits long for the forced
        tokens of another.
        """
        rows: list[Row] = []
        steps: list[tuple[BranchState, int, int]] = []
        free_rows = max(0, self._cache.branches - len(self._live))
        for branch in self._live:
            waiting = len(branch.tokens) - branch.evaluated
            room = self._cache.capacity - 1 - len(branch.tokens)
            branch.move_pending_to_tokens(max(0, min(free_rows + 1 - waiting, room)))
            tokens = branch.tokens[branch.evaluated :][: free_rows + 1]
            free_rows -= max(0, len(tokens) - 1)
            last = len(branch.tokens) - 1
            for position, token in enumerate(tokens, branch.evaluated):
                needs_logits = position == last and not branch.pending
                rows.append((token, position, branch.sequence, needs_logits))
            if tokens:
                steps.append((branch, len(tokens), len(rows) - 1))
        return rows, steps

    def _report_usage_if_changed(self, *, now: bool) -> None:
        """Report the use of the context if it has changed by a hundredth; with `now`, at all."""
        self._usage.report_usage_if_changed(self._shared, self._live, self._cache.capacity, now=now)

    def _suspend_branch_or_make_room(self) -> None:
        """Let the branch with the fewest written tokens wait again, without its sequence.

        If there is only one live branch, make room for it; if that fails, end it.
        """
        if len(self._live) == 1:
            self._make_room_and_requeue_or_end(self._live[0])
            return
        branch = min(self._live, key=lambda branch: (branch.written, -branch.index))
        self._live.remove(branch)
        self._release_sequence(branch)
        self._waiting.append(branch)

    def _append_token_and_end_if_due(self, branch: BranchState, token: int, row: int) -> None:
        """Append a sampled token to a branch, or in its place the calculator's result.

        End the branch if the token, a stop text, a loop or the number of tokens demands it.
        """
        if branch.result and not self._vocab.token_to_piece(token).startswith(b"="):
            self._insert_result_and_end_if_due(branch)
            return
        branch.result = ""
        if not branch.endless and self._vocab.is_end_token(token):
            self._end_branch(branch, "end")
            return
        self._stats.written += 1
        if branch.logprobs:
            branch.logprobs.record_token(self._cache.context, row, token)
        raw = self._vocab.token_to_piece(token)
        chunks, stopped = branch.append_token_and_calculate(token, raw)
        self._outbox.add_chunks(chunks)
        text = raw.decode("utf-8", "replace")
        repeats = branch.repetition and branch.repetition.add_token_and_detect_loop(token, text)
        if stopped:
            self._end_branch(branch, "end", stopped=True)
        elif repeats:
            self._end_branch(branch, "repeating")
        elif branch.tokens_left < 1:
            self._end_branch(branch, "length")
        elif branch.result and self._vocab.joins_equals:
            self._insert_result_and_end_if_due(branch)

    def _insert_result_and_end_if_due(self, branch: BranchState) -> None:
        """Append the calculator's result to a branch; the next batches evaluate its tokens.

        End the branch if the result contains a stop text or completes a loop.
        """
        tokens = self._vocab.tokenize_without_special_tokens(branch.result)
        self._stats.calculated += len(tokens)
        chunks, stopped = branch.queue_calculator_result(tokens)
        self._outbox.add_chunks(chunks)
        detector = branch.repetition
        texts = [self._vocab.token_to_piece(token).decode("utf-8", "replace") for token in tokens]
        pairs = zip(tokens, texts, strict=True)
        if stopped:
            self._end_branch(branch, "end", stopped=True)
        elif detector and any(
            [detector.add_token_and_detect_loop(token, text) for token, text in pairs]
        ):
            self._end_branch(branch, "repeating")

    def _end_branch(
        self, branch: BranchState, reason: StopReason, *, stopped: bool = False
    ) -> None:
        """End a branch: send its last text and its closing event, and free its sequence.

        `stopped`: whether a stop text has ended it. With `_keeps_cells`, the branch's evaluated
        tokens become the prefix sequence.
        """
        self._report_usage_if_changed(now=True)
        if branch in self._live:
            self._live.remove(branch)
        else:
            self._waiting.remove(branch)
        self._outbox.add_chunks(branch.free_samplers_and_flush(stopped))
        if self._keeps_cells and branch.evaluated and branch.sequence:
            self._cache.move_sequence_to_prefix(branch.sequence, branch.tokens[: branch.evaluated])
        self._release_sequence(branch)
        seconds = time.monotonic() - self._began if self._began else 0.0
        ended = BranchEnded(branch.index, reason, branch.written, seconds, forced=branch.forced)
        self._outbox.flush_and_send_branch_end(
            branch.logprobs.copy_with_logprobs_and_confidence(ended) if branch.logprobs else ended
        )

    def _release_sequence(self, branch: BranchState) -> None:
        """Remove a branch's tokens from the cache, and make its sequence free, if it has one."""
        if branch.sequence:
            self._cache.drop_sequence(branch.sequence)
            self._free.append(branch.sequence)
        branch.sequence = branch.evaluated = 0
