"""Quantizes vectors: to sign bits for finding candidates, to int8 for ranking them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats

Steps = NDArray[np.int8]

LARGEST_STEP = 127


def compute_inner_products(rows: Floats, unit: Floats) -> Floats:
    """Compute the inner products of the rows with the vector `unit` on one core: an array (n,).

    BLAS would use all cores and keep them spinning afterwards for the time of a search. That makes
    a second reader of the store slower than no second reader.
    """
    return np.asarray(np.einsum("ij,j->i", rows, unit), dtype=np.float32)


def pack_signs(rows: Floats) -> Bytes:
    """Pack the signs of an array (n, d) into an array (n, d / 8), one bit each (1 = above 0)."""
    return np.packbits(rows > 0, axis=1, bitorder="little")


def get_default_step(dimension: int) -> float:
    """Return the default quantization step for unit vectors.

    It is 1/508 at 384 dimensions and, like their components, proportional to 1/sqrt(dimension).
    """
    return float((384 / dimension) ** 0.5) / 508


def fit_step(unit: Floats) -> float:
    """Return the default step, or the one needed for 99.99 % of the components if that is larger.

    `unit` is an array (n, d) with rows of length 1.
    """
    widest = float(np.quantile(np.abs(unit), 0.9999))
    return max(get_default_step(unit.shape[1]), widest / LARGEST_STEP)


@dataclass(frozen=True)
class Quantizer:
    """Converter of unit vectors to sign bits, and to int8 numbers of steps and back."""

    dimension: int
    step: float
    mean: Floats | None = None
    """A vector subtracted before the signs are taken; None = zero."""
    rotation: Floats | None = None
    """A matrix (d, d) applied after the subtraction, (x - mean) @ rotation; None = identity."""

    def normalize_rows(self, vectors: Floats) -> Floats:
        """Scale each row of the array (n, d) to length 1.

        Raises:
            ValueError: The shape is wrong, or a row is zero or not finite.
        """
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"vectors have shape {rows.shape}, not (n, {self.dimension})")
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ValueError("a vector is zero or not finite")
        return np.asarray(rows / lengths, dtype=np.float32)

    def encode_bits(self, unit: Floats) -> Bytes:
        """Encode the sign bits of each rotated row: an array (n, d / 8), first component lowest."""
        return pack_signs(self.center_and_rotate_rows(unit))

    def center_and_rotate_rows(self, unit: Floats) -> Floats:
        """Subtract the mean and rotate the rows of an array (n, d). Its signs are the sign bits."""
        rotated = unit if self.rotation is None else unit @ self.rotation
        return np.asarray(rotated - self._rotated_mean, dtype=np.float32)

    @cached_property
    def _rotated_mean(self) -> Floats | float:
        if self.mean is None or self.rotation is None:
            return 0.0 if self.mean is None else self.mean
        return self.mean @ self.rotation

    def to_int8(self, unit: Floats) -> Steps:
        """Quantize each component to a number of steps, clipped to -127..127: an array (n, d)."""
        found = np.rint(unit * np.float32(1 / self.step))
        np.clip(found, -LARGEST_STEP, LARGEST_STEP, out=found)
        return np.asarray(found, dtype=np.int8)

    def compute_cosines(self, steps: Steps, unit: Floats) -> NDArray[np.float64]:
        """Compute the cosines of the quantized rows with the vector `unit`: an array (n,)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        cosines = np.clip(compute_inner_products(rows, unit) / np.maximum(lengths, 1), -1, 1)
        return np.asarray(cosines, dtype=np.float64)

    def from_int8(self, steps: Steps) -> Floats:
        """Convert numbers of steps back to vectors of length 1: an array (n, d)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
