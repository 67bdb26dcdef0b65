"""What branches write, gathered for a few milliseconds: one line for many pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rm_local.engine.branches import BranchEnded, TokenChunk
from rm_local.engine.protocol import Reply, TokenChunks

_EVERY = 0.01
"""Seconds between two lines; a model that is slower than that sends each step at once."""


class Outbox:
    """Joins the pieces of a branch that follow each other."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._pieces: dict[tuple[int, str], TokenChunk] = {}
        self._sent = 0.0

    def add(self, pieces: Iterable[TokenChunk]) -> None:
        """Put pieces in, each branch's in its order."""
        for piece in pieces:
            key = (piece.branch, piece.part)
            if before := self._pieces.get(key):
                piece = TokenChunk(piece.branch, piece.part, before.text + piece.text, piece.tokens)
            self._pieces[key] = piece

    def tick(self) -> None:
        """Send what there is, if it is time."""
        if self._pieces and time.monotonic() - self._sent >= _EVERY:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._pieces:
            self._send(TokenChunks(tuple(self._pieces.values())))
            self._pieces.clear()
            self._sent = time.monotonic()

    def end(self, ended: BranchEnded) -> None:
        """Send what there is, then that a branch is done."""
        self.flush()
        self._send(ended)
