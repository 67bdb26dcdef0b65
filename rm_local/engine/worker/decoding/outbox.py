"""Collects the new text of all branches for a few milliseconds, and sends it as one message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from rm_local.engine.branches import BranchEnded, TokenChunk
from rm_local.engine.protocol import Reply, TokenChunks

_INTERVAL = 0.01
"""Minimum seconds between two messages."""


class Outbox:
    """Collects chunks of the branches' text, joins those of the same branch, and sends them."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._chunks: list[TokenChunk] = []
        self._last: dict[int, int] = {}
        """Number of a branch -> index of its last chunk in `_chunks`."""
        self._sent = 0.0

    def add_chunks(self, chunks: Iterable[TokenChunk]) -> None:
        """Add chunks of text to the next message; the chunks of each branch have to be in order."""
        for chunk in chunks:
            index = self._last.get(chunk.branch)
            before = None if index is None else self._chunks[index]
            if index is None or before is None or _get_merge_key(before) != _get_merge_key(chunk):
                self._last[chunk.branch] = len(self._chunks)
                self._chunks.append(chunk)
            else:
                self._chunks[index] = replace(chunk, text=before.text + chunk.text)

    def flush_if_due(self) -> None:
        """Send the collected chunks if 10 milliseconds have passed since the last message."""
        if self._chunks and time.monotonic() - self._sent >= _INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Send the collected chunks at once, if there are any."""
        if self._chunks:
            self._send(TokenChunks(tuple(self._chunks)))
            self._chunks.clear()
            self._last.clear()
            self._sent = time.monotonic()

    def flush_and_send_branch_end(self, ended: BranchEnded) -> None:
        """Send the collected chunks, and then the event that a branch has ended."""
        self.flush()
        self._send(ended)


def _get_merge_key(chunk: TokenChunk) -> tuple[str, bool]:
    """Return the fields that must be equal in two chunks of a branch to be joined into one."""
    return chunk.part, chunk.forced
