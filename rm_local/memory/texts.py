"""Entries' texts as the store keeps them: zstandard, with a dictionary of the store's own."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence

import zstandard

from rm_local.memory.format import DamagedError

LEVEL = 12
"""Nearly the size of level 19 at five times its speed (STORE 4)."""

LARGEST = 1 << 20
"""Bytes that one entry's texts may take; a frame that claims more is damaged."""

LARGEST_DICTIONARY = 112_640
DICTIONARY_SHARE = 16
"""The dictionary takes at most this part of its sample: in a small store a large one never pays."""


def train_dictionary(sample: Sequence[str]) -> bytes:
    """A zstandard dictionary for texts like `sample`; empty when the sample is too small."""
    samples: list[bytes | bytearray | memoryview] = [
        text.encode("utf-8", "surrogatepass") for text in sample
    ]
    size = min(LARGEST_DICTIONARY, sum(map(len, samples)) // DICTIONARY_SHARE)
    try:
        return zstandard.train_dictionary(size, samples).as_bytes()
    except (ValueError, zstandard.ZstdError):
        return b""


def pack_words(words: Collection[str]) -> bytes:
    """A set of words without line ends, as one frame."""
    return zstandard.compress("\n".join(sorted(words)).encode("utf-8", "replace"), 19)


def unpack_words(frame: bytes) -> frozenset[str]:
    """What `pack_words` packed. DamagedError: the frame is not one of its."""
    try:
        return frozenset(_text(zstandard.ZstdDecompressor(), frame).decode("utf-8").split("\n"))
    except UnicodeDecodeError as error:
        raise DamagedError(str(error)) from error


def _text(decompressor: zstandard.ZstdDecompressor, frame: bytes) -> bytes:
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= LARGEST:
            raise DamagedError("a text has an impossible length")
        return decompressor.decompress(frame)
    except zstandard.ZstdError as error:
        raise DamagedError(str(error)) from error


class Codec:
    """Packs a subproblem and its subroutine into one frame, and takes them out again."""

    def __init__(self, dictionary: bytes) -> None:
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        # One dictionary a store, so frames need not name it; 4 bytes of checksum buy that a
        # damaged hint is an error and never a different hint.
        self._compressor = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=data, write_dict_id=False, write_checksum=True
        )
        self._decompressor = zstandard.ZstdDecompressor(dict_data=data)

    def pack(self, subproblem: str, subroutine: str) -> bytes:
        """ValueError: the texts take more than `LARGEST` bytes."""
        key, value = (text.encode("utf-8", "surrogatepass") for text in (subproblem, subroutine))
        if 4 + len(key) + len(value) > LARGEST:
            raise ValueError(f"an entry takes {len(key) + len(value):,} bytes; {LARGEST:,} at most")
        return self._compressor.compress(struct.pack("<I", len(key)) + key + value)

    def unpack(self, frame: bytes) -> tuple[str, str]:
        """Subproblem and subroutine. DamagedError: the frame is not one that `pack` made."""
        data = _text(self._decompressor, frame)
        try:
            (cut,) = struct.unpack_from("<I", data)
            key, value = data[4 : 4 + cut], data[4 + cut :]
            return key.decode("utf-8", "surrogatepass"), value.decode("utf-8", "surrogatepass")
        except (struct.error, UnicodeDecodeError) as error:
            raise DamagedError(str(error)) from error
