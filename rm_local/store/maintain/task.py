"""Protocol, tools and helpers of the maintenance tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from rm_local.arrays import Floats
from rm_local.store.codec.code_frames import CodePacker
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import LEVEL, TextCodec
from rm_local.store.sqlite.meta import read_meta, read_number_or_zero, write_meta_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS, read_dictionary

if TYPE_CHECKING:
    import apsw

BEST_LEVEL = 19
"""zstandard level for idle time: 3,000 to 5,000 rows/s on one core."""


@dataclass(frozen=True)
class StoreTools:
    """An open store and the codecs of its rows."""

    connection: apsw.Connection
    dimension: int
    codec: TextCodec
    best: TextCodec
    """The text codec at BEST_LEVEL."""
    packer: CodePacker
    quantizer: Quantizer

    @classmethod
    def from_connection(cls, connection: apsw.Connection) -> Self:
        """Read the codecs from an open store.

        Raises:
            DamagedError: The table `meta` is damaged.
        """
        meta = read_meta(connection)
        dimension, dictionary = meta.embedder.dimension, read_dictionary(connection, TEXTS)
        return cls(
            connection,
            dimension,
            TextCodec(dictionary, LEVEL),
            TextCodec(dictionary, BEST_LEVEL),
            CodePacker(dimension, read_dictionary(connection, CODES)),
            Quantizer(dimension, meta.step, meta.mean, meta.rotation),
        )

    def decode_vectors(self, codes: Iterable[bytes]) -> Floats:
        """Decode ranking codes to an array (n, d) of vectors of length 1."""
        return self.quantizer.from_int8(self.packer.unpack_rows(codes))


class MaintenanceTask(Protocol):
    """One kind of maintenance, done in steps of about a tenth of a second."""

    @property
    def name(self) -> str:
        """Name of the work in reports."""

    def run_step(self, until: float) -> dict[str, int]:
        """Run a step in the current transaction; return amounts of work, empty if none was left.

        `until` is a time of `time.monotonic`; a step of several parts stops then, after a part.

        Raises:
            DamagedError: The tables of the store do not agree.
        """

    def count_remaining_work(self) -> int:
        """Estimate the remaining work."""


def increase_meta_number(connection: apsw.Connection, key: str, more: int) -> None:
    """Increase a number in `meta` by `more`."""
    write_meta_value(connection, key, read_number_or_zero(connection, key) + more)
