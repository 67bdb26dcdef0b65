"""Compresses entry texts with zstandard and the dictionary of the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import zstandard

from rm_local.store.format import DamagedError

LEVEL = 12
"""Default zstandard level for texts: nearly the size of level 19 at five times its speed."""

PENDING_LEVEL = 3
"""zstandard level for an entry's texts until they are in a block: 7 % larger than at LEVEL, five
times as fast."""

MAX_TEXT_BYTES = 1 << 20
"""Maximum UTF-8 bytes of an entry's two texts together. A frame that declares more is damaged."""

KEY_END, ROW_END = b"\xff", b"\xfe"
"""Separators between the two texts of an entry, and between entries: never in UTF-8."""

LARGEST_DICTIONARY = 112_640
DICTIONARY_SHARE = 16
"""Minimum ratio of the training texts' bytes to the dictionary's: a larger dictionary does not pay
in a small store."""


def train_text_dictionary_or_empty(sample: Sequence[str]) -> bytes:
    """Return a zstandard dictionary trained on the texts of `sample`; empty if they are too few."""
    samples: list[bytes | bytearray | memoryview] = [
        text.encode("utf-8", "surrogatepass") for text in sample
    ]
    size = min(LARGEST_DICTIONARY, sum(map(len, samples)) // DICTIONARY_SHARE)
    try:
        return zstandard.train_dictionary(size, samples).as_bytes()
    except (ValueError, zstandard.ZstdError):
        return b""


def pack_words(words: Collection[str]) -> bytes:
    """Compress words, none with a line end, into one zstandard frame."""
    return zstandard.compress("\n".join(sorted(words)).encode("utf-8", "replace"), 19)


def unpack_words(frame: bytes) -> frozenset[str]:
    """Return the set of words that `pack_words` compressed.

    Raises:
        DamagedError: The frame was not made by `pack_words`.
    """
    try:
        words = _decompress_frame(zstandard.ZstdDecompressor(), frame, MAX_TEXT_BYTES)
        return frozenset(words.decode("utf-8").split("\n"))
    except UnicodeDecodeError as error:
        raise DamagedError(str(error)) from error


def _decompress_frame(decompressor: zstandard.ZstdDecompressor, frame: bytes, most: int) -> bytes:
    """Return the decompressed bytes of a zstandard frame.

    Raises:
        DamagedError: The frame is damaged, or declares more than `most` bytes.
    """
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= most:
            raise DamagedError("a text has an impossible length")
        return decompressor.decompress(frame)
    except (zstandard.ZstdError, TypeError) as error:
        raise DamagedError(str(error)) from error


def check_and_join_texts(subproblem: str, subroutine: str) -> bytes:
    """Join the two texts of an entry into one row for `TextCodec.pack_rows`.

    Raises:
        ValueError: A text is blank, or the texts together are longer than MAX_TEXT_BYTES.
    """
    if not (subproblem.strip() and subroutine.strip()):
        raise ValueError("an entry has no subproblem or no subroutine")
    key, value = (text.encode("utf-8", "surrogatepass") for text in (subproblem, subroutine))
    if len(key) + len(value) > MAX_TEXT_BYTES:
        raise ValueError(
            f"an entry takes {len(key) + len(value):,} bytes; {MAX_TEXT_BYTES:,} at most"
        )
    return key + KEY_END + value


def split_row_into_texts(row: bytes) -> tuple[str, str]:
    """Return the subproblem and the subroutine of a row made by `check_and_join_texts`.

    Raises:
        DamagedError: The row is invalid, or empty as that of a deleted entry.
    """
    try:
        key, value = row.split(KEY_END)
        return key.decode("utf-8", "surrogatepass"), value.decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise DamagedError(f"invalid text record: {error}") from error


def extract_row_subproblem(row: bytes) -> str:
    """Return the subproblem of an entry from its texts joined by `check_and_join_texts`."""
    return str(row.partition(KEY_END)[0], "utf-8", "surrogatepass")


class TextCodec:
    """Compressor and decompressor of entries' texts, with zstandard and the store's dictionary.

    A row is the two texts of an entry, joined by `check_and_join_texts`; a frame has one row or
    several.
    """

    def __init__(self, dictionary: bytes, level: int = LEVEL) -> None:
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        # A store has one dictionary, so frames need not name it. The checksum, 4 bytes, makes a
        # damaged hint an error and never a different hint.
        self._compressor = zstandard.ZstdCompressor(
            level=level, dict_data=data, write_dict_id=False, write_checksum=True
        )
        self._decompressor = zstandard.ZstdDecompressor(dict_data=data)

    def pack_rows(self, rows: Sequence[bytes]) -> bytes:
        """Compress rows of `check_and_join_texts` into one frame; deleted rows are empty."""
        return self._compressor.compress(ROW_END.join(rows))

    def unpack_rows(self, frame: bytes, rows: int) -> list[bytes]:
        """Return the rows of a frame made by `pack_rows`.

        Raises:
            DamagedError: The frame was not made by `pack_rows`, or has more than `rows` rows.
        """
        found = _decompress_frame(self._decompressor, frame, rows * (MAX_TEXT_BYTES + 2)).split(
            ROW_END
        )
        if len(found) > rows:
            raise DamagedError("a frame has too many rows")
        return found
