"""Compresses ranking codes (quantized vectors) for storage: one zstandard frame per row."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import zstandard

from rm_local.arrays import Ids
from rm_local.store.codec.quantize import Quantizer, Steps, get_default_quantization_step
from rm_local.store.format import DamagedError

DICTIONARY_BYTES = 300
"""Size in bytes of the zstandard dictionary for ranking codes; only its Huffman table is used."""
SAMPLE_ROWS = 8000

MAGIC = zstandard.FRAME_HEADER
"""The four bytes (magic number) that begin a zstandard frame: not stored on disk, added again in
`CompressedRankingCodes`."""


@dataclass(frozen=True, slots=True)
class CompressedRankingCodes:
    """Compressed ranking codes of n rows in one buffer, for `RankingCodePacker.unpack_frames`.

    Each code is preceded by MAGIC.
    """

    lengths: Ids
    """Number of bytes of each code, including MAGIC: an array (n,)."""
    joined: bytes

    @classmethod
    def from_codes(cls, codes: Iterable[bytes]) -> CompressedRankingCodes:
        """Join compressed codes, as stored without MAGIC, into one buffer.

        Raises:
            DamagedError: The type of a code is not bytes.
        """
        try:
            whole = [MAGIC + code for code in codes]
        except TypeError as error:
            raise DamagedError(f"a vector: {error}") from error
        return cls(np.array([len(each) for each in whole], np.int64), b"".join(whole))


def compute_row_checksum(id: int, label: int, cluster: int, bits: bytes, code: bytes) -> int:
    """Return the checksum of an entry's id, label, cluster, sign bits and ranking code.

    The lowest 32 bits cover all of these; the 15 bits above cover id and code only, so that an
    intact code is recognized even if the sign bits are damaged.
    """
    whole = zlib.crc32(struct.pack("<qqq", id, label, cluster) + bits + code)
    return whole | compute_code_checksum(id, code) << 32


def compute_code_checksum(id: int, code: bytes) -> int:
    """Return the 15-bit checksum of an entry's id and code, a part of `compute_row_checksum`.

    15 bits, because SQLite stores 32 + 15 bits in six bytes.
    """
    return zlib.crc32(code, id) & 0x7FFF


def train_code_dictionary_or_empty(steps: Steps) -> bytes:
    """Return a zstandard dictionary trained on quantized vectors, an array (n, d).

    Only the first SAMPLE_ROWS rows are used. Empty if the rows are too few or too short.
    """
    samples: list[bytes | bytearray | memoryview] = [row.tobytes() for row in steps[:SAMPLE_ROWS]]
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, samples).as_bytes()
    except (ValueError, zstandard.ZstdError):
        return b""


def train_code_dictionary_on_random_vectors(dimension: int) -> bytes:
    """Return a zstandard dictionary for ranking codes of any embedder, trained on random vectors.

    Empty if `dimension` is too small for training.
    """
    quantizer = Quantizer(dimension, get_default_quantization_step(dimension))
    drawn = np.random.default_rng(0).normal(size=(SAMPLE_ROWS // 4, dimension))
    return train_code_dictionary_or_empty(
        quantizer.to_int8(quantizer.normalize_rows(drawn.astype(np.float32)))
    )


class RankingCodePacker:
    """Compressor and decompressor of quantized vectors, with zstandard and a dictionary.

    Not thread-safe, except for `unpack_frames`.
    """

    def __init__(self, dimension: int, dictionary: bytes) -> None:
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        # Header fields that are equal in all frames are omitted: at 384 dimensions a row takes
        # 294 bytes instead of 384.
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
        # zstandard decompresses many frames at once only if they have their MAGIC.
        self._decompressor = zstandard.ZstdDecompressor(dict_data=data)

    def pack_rows(self, steps: Steps) -> list[bytes]:
        """Compress each row of an array (n, d) into a zstandard frame without MAGIC."""
        raw, width, compress = steps.tobytes(), self._dimension, self._compressor.compress
        return [compress(raw[start : start + width]) for start in range(0, len(raw), width)]

    def unpack_rows(self, frames: Iterable[bytes]) -> Steps:
        """Decompress the frames of `pack_rows` into the rows of an array (n, d) of int8.

        Raises:
            DamagedError: A frame was not made by `pack_rows`.
        """
        return self.unpack_frames(CompressedRankingCodes.from_codes(frames))

    def unpack_frames(self, frames: CompressedRankingCodes) -> Steps:
        """Decompress frames in one buffer into an array (n, d) of int8, with the GIL released.

        Raises:
            DamagedError: A frame was not made by `pack_rows`.
        """
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
