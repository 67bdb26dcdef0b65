"""What branches write, gathered for a few milliseconds: one line for many pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from rm_local.engine.branches import BranchEnded, TokenChunk
from rm_local.engine.protocol import Reply, TokenChunks

_EVERY = 0.01
"""Seconds between two lines; a model that is slower than that sends each step at once."""


class Outbox:
    """Joins the pieces of a branch that follow each other."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        self._send = send
        self._pieces: list[TokenChunk] = []
        self._last: dict[int, int] = {}
        """Where in `_pieces` the last one of each branch is."""
        self._sent = 0.0

    def add(self, pieces: Iterable[TokenChunk]) -> None:
        """Put pieces in, each branch's in its order."""
        for piece in pieces:
            place = self._last.get(piece.branch)
            before = None if place is None else self._pieces[place]
            if place is None or before is None or _kind(before) != _kind(piece):
                self._last[piece.branch] = len(self._pieces)
                self._pieces.append(piece)
            else:
                self._pieces[place] = replace(piece, text=before.text + piece.text)

    def tick(self) -> None:
        """Send what there is, if it is time."""
        if self._pieces and time.monotonic() - self._sent >= _EVERY:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._pieces:
            self._send(TokenChunks(tuple(self._pieces)))
            self._pieces.clear()
            self._last.clear()
            self._sent = time.monotonic()

    def end(self, ended: BranchEnded) -> None:
        """Send what there is, then that a branch is done."""
        self.flush()
        self._send(ended)


def _kind(piece: TokenChunk) -> tuple[str, bool]:
    """What pieces have in common that are joined."""
    return piece.part, piece.forced
