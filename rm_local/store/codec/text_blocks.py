"""Entries' texts as the store keeps them: zstandard, with a dictionary of the store's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import zstandard

from rm_local.store.format import DamagedError

LEVEL = 12
"""Nearly the size of level 19 at five times its speed (STORE 4)."""

PENDING_LEVEL = 3
"""Of an entry added by itself, until it is folded: 7 % longer, packed in a fifth of the time."""

MAX_TEXT_BYTES = 1 << 20
"""Bytes that one entry's texts may take; a frame that claims more for each row is damaged."""

KEY_END, ROW_END = b"\xff", b"\xfe"
"""Between a row's two texts, and between rows: bytes that UTF-8 never holds."""

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
        words = _decompress_frame(zstandard.ZstdDecompressor(), frame, MAX_TEXT_BYTES)
        return frozenset(words.decode("utf-8").split("\n"))
    except UnicodeDecodeError as error:
        raise DamagedError(str(error)) from error


def _decompress_frame(decompressor: zstandard.ZstdDecompressor, frame: bytes, most: int) -> bytes:
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= most:
            raise DamagedError("a text has an impossible length")
        return decompressor.decompress(frame)
    except (zstandard.ZstdError, TypeError) as error:
        raise DamagedError(str(error)) from error


def join_texts(subproblem: str, subroutine: str) -> bytes:
    """One row's texts as they stand in a frame.

    ValueError: one of them is blank, or they take more than `LARGEST` bytes.
    """
    if not (subproblem.strip() and subroutine.strip()):
        raise ValueError("an entry has no subproblem or no subroutine")
    key, value = (text.encode("utf-8", "surrogatepass") for text in (subproblem, subroutine))
    if len(key) + len(value) > MAX_TEXT_BYTES:
        raise ValueError(
            f"an entry takes {len(key) + len(value):,} bytes; {MAX_TEXT_BYTES:,} at most"
        )
    return key + KEY_END + value


def split_row(row: bytes) -> tuple[str, str]:
    """Subproblem and subroutine of one row. DamagedError: it is none, or a deleted one."""
    try:
        key, value = row.split(KEY_END)
        return key.decode("utf-8", "surrogatepass"), value.decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise DamagedError(f"a text is none: {error}") from error


def extract_subproblem(row: bytes) -> str:
    """The subproblem of a row as `raw_row` makes them."""
    return str(row.partition(KEY_END)[0], "utf-8", "surrogatepass")


class TextCodec:
    """Packs rows of texts into one frame, and takes them out again."""

    def __init__(self, dictionary: bytes, level: int = LEVEL) -> None:
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        # One dictionary a store, so frames need not name it; 4 bytes of checksum buy that a
        # damaged hint is an error and never a different hint.
        self._compressor = zstandard.ZstdCompressor(
            level=level, dict_data=data, write_dict_id=False, write_checksum=True
        )
        self._decompressor = zstandard.ZstdDecompressor(dict_data=data)

    def pack_rows(self, rows: Sequence[bytes]) -> bytes:
        """A frame of rows as `raw_row` makes them; an empty one is a deleted row."""
        return self._compressor.compress(ROW_END.join(rows))

    def unpack_rows(self, frame: bytes, rows: int) -> list[bytes]:
        """The rows of a frame. DamagedError: it is none that `pack` made of at most `rows`."""
        found = _decompress_frame(self._decompressor, frame, rows * (MAX_TEXT_BYTES + 2)).split(
            ROW_END
        )
        if len(found) > rows:
            raise DamagedError("a frame has too many rows")
        return found
