"""Ranking codes as they lie in the file: entropy-coded, a zstandard frame a row."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import zstandard

from rm_local.arrays import Ids
from rm_local.store.codec.quantize import Quantizer, Steps, default_step
from rm_local.store.format import DamagedError

DICTIONARY_BYTES = 300
"""All that is wanted of the dictionary is its Huffman table."""
SAMPLE_ROWS = 8000

MAGIC = zstandard.FRAME_HEADER
"""What zstandard begins a frame with. It is not in the file, and `Frames` have it again."""


@dataclass(frozen=True, slots=True)
class CodeFrames:
    """Ranking codes one after the other, each behind MAGIC."""

    lengths: Ids
    """(n,), bytes of each with its MAGIC."""
    joined: bytes

    @classmethod
    def from_codes(cls, codes: Iterable[bytes]) -> CodeFrames:
        """Codes as they lie in the file. DamagedError: one is no bytes."""
        try:
            whole = [MAGIC + code for code in codes]
        except TypeError as error:
            raise DamagedError(f"a vector: {error}") from error
        return cls(np.array([len(each) for each in whole], np.int64), b"".join(whole))


def row_crc(id: int, label: int, cluster: int, bits: bytes, code: bytes) -> int:
    """Checksum of all that a search reads of a row, so that damage to any of it is found.

    The lowest 32 bits are over all of it; above them are 15 over id and code alone, so that a whole
    code is known as such beside damaged bits.
    """
    whole = zlib.crc32(struct.pack("<qqq", id, label, cluster) + bits + code)
    return whole | code_check(id, code) << 32


def code_check(id: int, code: bytes) -> int:
    """Checksum, 15 bits, of a row's ranking code: with 32 more they fill six bytes of SQLite's."""
    return zlib.crc32(code, id) & 0x7FFF


def train_code_dictionary(steps: Steps) -> bytes:
    """The dictionary for rows like `steps`, (n, d); empty where they are too few or too short."""
    samples: list[bytes | bytearray | memoryview] = [row.tobytes() for row in steps[:SAMPLE_ROWS]]
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, samples).as_bytes()
    except (ValueError, zstandard.ZstdError):
        return b""


def default_dictionary(dimension: int) -> bytes:
    """The dictionary for directions drawn at random, which is near that of any embedder."""
    quantizer = Quantizer(dimension, default_step(dimension))
    drawn = np.random.default_rng(0).normal(size=(SAMPLE_ROWS // 4, dimension))
    return train_code_dictionary(
        quantizer.to_int8(quantizer.normalize_rows(drawn.astype(np.float32)))
    )


class CodePacker:
    """Packs rows of steps, and takes them out again.

    Not for two threads at a time, but for `unpack_all`.
    """

    def __init__(self, dimension: int, dictionary: bytes) -> None:
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        # Everything that is the same in each frame is left out of it: at 384 dimensions a row
        # takes 294 bytes instead of 384.
        parameters = zstandard.ZstdCompressionParameters.from_level(
            1,
            source_size=dimension,
            format=zstandard.FORMAT_ZSTD1_MAGICLESS,
            write_content_size=0,
            write_checksum=0,
            write_dict_id=0,
        )
        self._dimension = dimension
        self._compressor = zstandard.ZstdCompressor(dict_data=data, compression_params=parameters)
        # Many frames at once are taken out only with their MAGIC.
        self._decompressor = zstandard.ZstdDecompressor(dict_data=data)

    def pack_rows(self, steps: Steps) -> list[bytes]:
        """A frame for each row of `steps`, (n, d)."""
        raw, width, compress = steps.tobytes(), self._dimension, self._compressor.compress
        return [compress(raw[start : start + width]) for start in range(0, len(raw), width)]

    def unpack_rows(self, frames: Iterable[bytes]) -> Steps:
        """The rows of these frames, (n, d). DamagedError: one is none that `pack` made."""
        return self.unpack_frames(CodeFrames.from_codes(frames))

    def unpack_frames(self, frames: CodeFrames) -> Steps:
        """The same of frames in one buffer, with Python's lock released."""
        count, width = len(frames.lengths), self._dimension
        if not count:
            return np.empty((0, width), np.int8)
        places = np.empty((count, 2), np.uint64)
        places[:, 1] = frames.lengths
        places[:, 0] = np.cumsum(frames.lengths) - frames.lengths
        try:
            rows = self._decompressor.multi_decompress_to_buffer(
                zstandard.BufferWithSegments(frames.joined, places.tobytes()),
                decompressed_sizes=np.full(count, width, np.uint64).tobytes(),
            )
        except (zstandard.ZstdError, ValueError) as error:
            raise DamagedError(f"a vector: {error}") from error
        raw = b"".join(cast("Iterable[bytes]", rows))
        return np.frombuffer(raw, np.int8).reshape(-1, width)
