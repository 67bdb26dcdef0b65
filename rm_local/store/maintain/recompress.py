"""Compresses blocks of texts again, at zstandard's highest ordinary level."""

from __future__ import annotations

from time import monotonic

from rm_local.store.format import BLOCK_ROWS
from rm_local.store.maintain.task import ConnectionWithCodecs
from rm_local.store.sqlite.meta import read_meta_number_or_zero, write_meta_value

READ_BLOCKS = 256
"""Maximum number of text blocks that one step compresses again."""


class RecompressTextsTask:
    """Maintenance task that compresses each text block once more, at BEST_LEVEL, in order.

    `recompressed` in `meta` is the number of blocks done.
    """

    name = "blocks not packed at the best level"

    def __init__(self, tools: ConnectionWithCodecs) -> None:
        self._connection, self._best = tools.connection, tools.best

    def count_remaining_work(self) -> int:
        """Return the number of text blocks not yet compressed at BEST_LEVEL."""
        end = self._connection.execute("SELECT coalesce(max(blk) + 1, 0) FROM block").get
        return int(end) - read_meta_number_or_zero(self._connection, "recompressed")

    def run_step(self, until: float) -> dict[str, int]:
        """Compress blocks again until the time `until`; keep those that would not become smaller.

        Return the numbers of blocks and of saved bytes, by description; empty if none is left.
        """
        first = read_meta_number_or_zero(self._connection, "recompressed")
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
