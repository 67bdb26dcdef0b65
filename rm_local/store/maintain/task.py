"""What the kinds of work have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from rm_local.arrays import Floats
from rm_local.store.codec.code_frames import CodePacker
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import LEVEL, TextCodec
from rm_local.store.sqlite.meta import read_meta, read_number_or_zero, write_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS, read_dictionary

if TYPE_CHECKING:
    import apsw

BEST_LEVEL = 19
"""Of zstandard: 3,000 to 5,000 rows/s on one core, for idle time only (STORE 4)."""


@dataclass(frozen=True)
class Tools:
    """An open store, and what its rows are packed and unpacked with."""

    connection: apsw.Connection
    dimension: int
    codec: TextCodec
    best: TextCodec
    """The same at BEST_LEVEL."""
    packer: CodePacker
    quantizer: Quantizer

    @classmethod
    def of(cls, connection: apsw.Connection) -> Self:
        """Those of the store that is open. DamagedError: its `meta` is damaged."""
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

    def floats(self, codes: Iterable[bytes]) -> Floats:
        """The vectors of these ranking codes, (n, d), rows of length 1."""
        return self.quantizer.from_int8(self.packer.unpack_rows(codes))


class Work(Protocol):
    """One kind of work, done in steps of a tenth of a second or so."""

    @property
    def name(self) -> str:
        """What the report calls what is left of it."""

    def step(self, until: float) -> dict[str, int]:
        """Do some of it in the running transaction; how much of what; empty: nothing is left.

        Work that can stop anywhere does so at `until`, by `time.monotonic`, but does a part.
        DamagedError: the store's tables do not agree.
        """

    def left(self) -> int:
        """About how much there is to do."""


def raise_by(connection: apsw.Connection, key: str, more: int) -> None:
    """Add to a number in `meta`."""
    write_value(connection, key, read_number_or_zero(connection, key) + more)
