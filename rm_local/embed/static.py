"""rm-static: an embedder that is a table with a vector for each WordPiece. It needs no torch.

The vector of a text is the normalized sum of the rows of its pieces. The order of words has no
effect, but tens of thousands of texts are embedded per second on one core.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed.hub_models import select_whole_words
from rm_local.embed.wordpiece import UNKNOWN_PIECE, WordPieceTokenizer
from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.store import EmbedderId

STATIC_EMBEDDER = "rm-static"
TABLE, SCALES, VOCABULARY = "table", "scales", "vocabulary"
"""Names of the file's tensors: an int8 array (pieces, d); a float16 array (pieces,) with the
quantization step of each row; the text of the pieces in UTF-8, each followed by a line feed."""


class StaticEmbedder:
    """Embeds texts by summing the rows of rm-static's table for their pieces."""

    def __init__(self, table: Floats, pieces: Sequence[str], sha256: str) -> None:
        """Build the embedder from `table`, an array (pieces, d) with a row for each piece.

        The row of the piece `[UNK]` is also the vector of an empty text.
        """
        self.id = EmbedderId(STATIC_EMBEDDER, table.shape[1], sha256)
        self.known_words = select_whole_words(pieces)
        """Words that have a row of their own, in lower case."""
        self._table = table
        self._wordpiece = WordPieceTokenizer(pieces)
        self._empty = [list(pieces).index(UNKNOWN_PIECE)]

    @classmethod
    def load(cls, path: Path | None = None) -> StaticEmbedder:
        """Load the embedder from the file `path`; None: from the shipped file.

        Raises:
            ModelNotFoundError, InvalidModelError: The file cannot be read, or is damaged.
        """
        path = path or paths.shipped_static_embedder()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelNotFoundError(
                f"{path} cannot be read: {error.strerror}.", "Reinstall rm-local."
            ) from None
        return cls.from_bytes(data, str(path))

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> StaticEmbedder:
        """Build the embedder from the bytes of a file; `source` names the file in errors.

        Raises:
            InvalidModelError: The bytes are damaged.
        """
        table, pieces = _parse_table(data, source)
        return cls(table, pieces, hashlib.sha256(data).hexdigest())

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed `texts` as the rows of an array (n, d), each of length 1.

        The vector of a text does not depend on the other texts.
        """
        rows = np.empty((len(texts), self.id.dimension), dtype=np.float32)
        table, encode = self._table, self._wordpiece.encode_text
        for row, text in zip(rows, texts, strict=True):
            # Text by text: the rows of one text fit the fastest cache, those of a batch do not.
            np.add.reduce(table.take(encode(text) or self._empty, axis=0), axis=0, out=row)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        rows /= np.maximum(lengths, 1e-12)[:, None]
        return rows


@lru_cache(maxsize=1)
def load_shipped_static() -> StaticEmbedder:
    """Load the shipped embedder; later calls return the same object.

    Raises:
        ModelNotFoundError, InvalidModelError: The file cannot be read, or is damaged.
    """
    return StaticEmbedder.load()


def quantize_and_pack_table(table: Floats, pieces: Sequence[str]) -> bytes:
    """Encode a table, an array (pieces, d), and its pieces as the bytes of rm-static's file.

    The components are quantized to 8 bits, with one quantization step per row.
    """
    from safetensors.numpy import save

    largest = np.abs(table).max(axis=1)
    scales = np.maximum(largest / 127, 1e-6).astype(np.float16)
    codes = np.rint(table / scales[:, None].astype(np.float32)).clip(-127, 127)
    return save(
        {
            TABLE: codes.astype(np.int8),
            SCALES: scales,
            VOCABULARY: np.frombuffer("".join(f"{p}\n" for p in pieces).encode(), dtype=np.uint8),
        },
        {"name": STATIC_EMBEDDER},
    )


def _parse_table(data: bytes, source: str) -> tuple[Floats, list[str]]:
    """Decode rm-static's file; return its table, an array (pieces, d), and its pieces.

    Raises:
        InvalidModelError: The bytes are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
        codes, scales = tensors[TABLE], tensors[SCALES]
        pieces = tensors[VOCABULARY].tobytes().decode("utf-8").split("\n")[:-1]
        if not len(codes) == len(scales) == len(pieces) or UNKNOWN_PIECE not in pieces:
            raise ValueError("its tensors do not fit together")
    except (SafetensorError, KeyError, ValueError) as error:
        raise InvalidModelError(
            f"{source} is not a table of {STATIC_EMBEDDER}: {error}.", "Reinstall rm-local."
        ) from None
    return codes.astype(np.float32) * scales.astype(np.float32)[:, None], pieces
