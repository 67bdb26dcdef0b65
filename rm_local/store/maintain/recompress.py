"""Recompresses blocks of texts at a higher zstandard level."""

from __future__ import annotations

from time import monotonic

from rm_local.store.format import BLOCK_ROWS
from rm_local.store.maintain.task import StoreTools
from rm_local.store.sqlite.meta import read_number_or_zero, write_meta_value

READ_BLOCKS = 256
"""Maximum blocks of one step."""


class RecompressTexts:
    """Task that recompresses each block once, in order, up to `recompressed` in `meta` so far."""

    name = "blocks not packed at the best level"

    def __init__(self, tools: StoreTools) -> None:
        self._connection, self._best = tools.connection, tools.best

    def count_remaining_work(self) -> int:
        """Count the blocks not yet recompressed."""
        end = self._connection.execute("SELECT coalesce(max(blk) + 1, 0) FROM block").get
        return int(end) - read_number_or_zero(self._connection, "recompressed")

    def run_step(self, until: float) -> dict[str, int]:
        """Recompress blocks until the time `until`, except blocks that do not become smaller."""
        first = read_number_or_zero(self._connection, "recompressed")
        blocks = self._connection.execute(
            "SELECT blk, z FROM block WHERE blk >= ? ORDER BY blk LIMIT ?", (first, READ_BLOCKS)
        )
        seen = saved = 0
        for blk, frame in list(blocks):
            packed = self._best.pack_rows(self._best.unpack_rows(frame, BLOCK_ROWS))
            if len(packed) < len(frame):
                self._connection.execute("UPDATE block SET z = ? WHERE blk = ?", (packed, blk))
                saved += len(frame) - len(packed)
            write_meta_value(self._connection, "recompressed", blk + 1)
            seen += 1
            if monotonic() >= until:
                break
        return {"blocks packed again": seen, "bytes of texts saved": saved} if seen else {}
