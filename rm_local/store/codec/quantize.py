"""Quantizes vectors: one bit per component to find candidates, int8 steps to rank them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats

Steps = NDArray[np.int8]

LARGEST_STEP = 127


def compute_inner_products(rows: Floats, unit: Floats) -> Floats:
    """Compute the inner products of `rows`, (n, d), with `unit`, (d,), on one core: (n,).

    BLAS would use all cores and keep them spinning afterwards for as long as a search takes, which
    makes the store's second reader slower than having no second reader.
    """
    return np.asarray(np.einsum("ij,j->i", rows, unit), dtype=np.float32)


def pack_signs(rows: Floats) -> Bytes:
    """Pack the signs of `rows`, (n, d), one bit per component (1 = above 0): (n, d / 8)."""
    return np.packbits(rows > 0, axis=1, bitorder="little")


def get_default_step(dimension: int) -> float:
    """Return the default step: 1/508 at 384 dimensions, scaled by sqrt(1/d) like components."""
    return float((384 / dimension) ** 0.5) / 508


def fit_step(unit: Floats) -> float:
    """As `get_default_step`, but wide enough for 99.99 % of the components of `unit`, (n, d)."""
    widest = float(np.quantile(np.abs(unit), 0.9999))
    return max(get_default_step(unit.shape[1]), widest / LARGEST_STEP)


@dataclass(frozen=True)
class Quantizer:
    """Converts vectors of `dimension` components to bits and steps, and back."""

    dimension: int
    step: float
    mean: Floats | None = None
    """(d,), subtracted before the signs are taken; None = zero."""
    rotation: Floats | None = None
    """(d, d), applied after the mean is subtracted: (x - mean) @ rotation; None = identity."""

    def normalize_rows(self, vectors: Floats) -> Floats:
        """Scale each row of `vectors`, (n, d), to length 1.

        Raises:
            ValueError: the shape is wrong, or a row is zero or not finite.
        """
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"vectors have shape {rows.shape}, not (n, {self.dimension})")
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ValueError("a vector is zero or not finite")
        return np.asarray(rows / lengths, dtype=np.float32)

    def encode_bits(self, unit: Floats) -> Bytes:
        """Encode the signs of each rotated row, (n, d / 8), first component in the lowest bit."""
        return pack_signs(self.rotate_rows(unit))

    def rotate_rows(self, unit: Floats) -> Floats:
        """Subtract the mean and rotate rows, (n, d); the signs of the result are the bits."""
        rotated = unit if self.rotation is None else unit @ self.rotation
        return np.asarray(rotated - self._rotated_mean, dtype=np.float32)

    @cached_property
    def _rotated_mean(self) -> Floats | float:
        if self.mean is None or self.rotation is None:
            return 0.0 if self.mean is None else self.mean
        return self.mean @ self.rotation

    def to_int8(self, unit: Floats) -> Steps:
        """Quantize each component, (n, d), to a number of steps, clipped to -127..127."""
        found = np.rint(unit * np.float32(1 / self.step))
        np.clip(found, -LARGEST_STEP, LARGEST_STEP, out=found)
        return np.asarray(found, dtype=np.int8)

    def compute_cosines(self, steps: Steps, unit: Floats) -> NDArray[np.float64]:
        """Compute the cosines of the rows of `steps`, (n, d), with a unit vector, (d,): (n,)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        cosines = np.clip(compute_inner_products(rows, unit) / np.maximum(lengths, 1), -1, 1)
        return np.asarray(cosines, dtype=np.float64)

    def from_int8(self, steps: Steps) -> Floats:
        """Convert `steps` back to rows of length 1: (n, d)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
