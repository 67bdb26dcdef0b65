"""Vectors as the store keeps them: bits to find candidates, int8 to rank them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rm_local.memory.format import DamagedError

Floats = NDArray[np.float32]


def scale_for(dimension: int) -> float:
    """The component that int8 127 stands for: 0.25 at 384 dimensions (STORE 1.1), by sqrt(1/d)."""
    return min(1.0, float(np.sqrt(24 / dimension)))


def row_crc(id: int, label: int, cluster: int, bits: bytes, code: bytes) -> int:
    """CRC-32 of all that a search reads of a row, so that damage to any of it is found."""
    return zlib.crc32(struct.pack("<qqq", id, label, cluster) + bits + code)


@dataclass(frozen=True)
class Quantiser:
    """How a store turns vectors of `dimension` components into codes."""

    dimension: int
    scale: float
    mean: Floats | None = None
    """(d,), taken off before the signs; None = zero."""
    rotation: Floats | None = None
    """(d, d), applied after the mean is off: (x - mean) @ rotation; None = identity."""

    def unit(self, vectors: Floats) -> Floats:
        """`vectors`, (n, d), with rows of length 1.

        ValueError: another shape, or a row that is zero or not finite.
        """
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"vectors have shape {rows.shape}, not (n, {self.dimension})")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ValueError("a vector is zero or not finite")
        return np.asarray(rows / lengths, dtype=np.float32)

    def bits(self, unit: Floats) -> NDArray[np.uint8]:
        """The signs of each row, (n, d / 8), first component in the lowest bit."""
        turned = unit if self.mean is None else unit - self.mean
        turned = turned if self.rotation is None else turned @ self.rotation
        return np.packbits(turned > 0, axis=1, bitorder="little")

    def int8(self, unit: Floats) -> NDArray[np.int8]:
        """Each row in d signed bytes, (n, d), in steps of scale / 127, clipped at the scale."""
        steps = np.clip(np.rint(unit * (127 / self.scale)), -127, 127)
        return np.asarray(steps, dtype=np.int8)

    def floats(self, blobs: Sequence[bytes]) -> Floats:
        """Rows of length 1 from `int8` codes: (n, d). DamagedError: a code has another length."""
        if any(len(blob) != self.dimension for blob in blobs):
            raise DamagedError("a vector has an impossible length")
        steps = np.frombuffer(b"".join(blobs), dtype=np.int8).reshape(-1, self.dimension)
        rows = steps.astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
