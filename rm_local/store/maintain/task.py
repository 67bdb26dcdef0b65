"""Protocol of maintenance tasks, and the connection and codecs that they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from rm_local.arrays import Floats
from rm_local.store.codec.code_frames import RankingCodePacker
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import LEVEL, TextCodec
from rm_local.store.sqlite.meta import read_meta, read_meta_number_or_zero, write_meta_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS, read_compression_dictionary

if TYPE_CHECKING:
    import apsw

BEST_LEVEL = 19
"""zstandard level for compressing texts in idle time: 3,000 to 5,000 entries/s on one core."""


@dataclass(frozen=True)
class ConnectionWithCodecs:
    """Connection to a store, with the codecs of its texts and vectors, for maintenance tasks."""

    connection: apsw.Connection
    dimension: int
    codec: TextCodec
    best: TextCodec
    """Codec of the texts that compresses at BEST_LEVEL."""
    packer: RankingCodePacker
    quantizer: Quantizer

    @classmethod
    def from_connection(cls, connection: apsw.Connection) -> Self:
        """Make the codecs from `meta` and the dictionaries of the store that `connection` has open.

        Raises:
            DamagedError: The table `meta` or a dictionary is damaged.
        """
        meta = read_meta(connection)
        dimension, dictionary = (
            meta.embedder.dimension,
            read_compression_dictionary(connection, TEXTS),
        )
        return cls(
            connection,
            dimension,
            TextCodec(dictionary, LEVEL),
            TextCodec(dictionary, BEST_LEVEL),
            RankingCodePacker(dimension, read_compression_dictionary(connection, CODES)),
            Quantizer(dimension, meta.step, meta.mean, meta.rotation),
        )

    def decode_vectors(self, codes: Iterable[bytes]) -> Floats:
        """Decode compressed ranking codes to vectors of length 1: an array (n, d)."""
        return self.quantizer.decode_to_unit_vectors(self.packer.unpack_rows(codes))


class MaintenanceTask(Protocol):
    """One kind of maintenance of a store, done in steps of about a tenth of a second."""

    @property
    def name(self) -> str:
        """Name of the remaining work in reports, such as "clusters too large"."""

    def run_step(self, until: float) -> dict[str, int]:
        """Run a step in the current transaction; return the amounts of work done, by description.

        Empty if no work was left. `until` is a time of `time.monotonic`; a step of several parts
        ends after the part during which it has come.

        Raises:
            DamagedError: The tables of the store do not agree.
        """

    def count_remaining_work(self) -> int:
        """Return the remaining amount of work, in the task's own unit; 0 if nothing is left."""


def increase_meta_number(connection: apsw.Connection, key: str, more: int) -> None:
    """Increase the integer under `key` in `meta` by `more`; a missing one counts as 0."""
    write_meta_value(connection, key, read_meta_number_or_zero(connection, key) + more)
