"""Vectors as the store keeps them: bits to find candidates, steps to rank them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats

Steps = NDArray[np.int8]

LARGEST_STEP = 127


def compute_inner_products(rows: Floats, unit: Floats) -> Floats:
    """Inner products of `rows`, (n, d), with `unit`, (d,), on one core: (n,).

    BLAS would take all cores and, done, keep them spinning for the time that a search takes: the
    store's second reader, which has one of them, is then slower than none.
    """
    return np.asarray(np.einsum("ij,j->i", rows, unit), dtype=np.float32)


def pack_signs(rows: Floats) -> Bytes:
    """A bit for each component of `rows`, (n, d), that is above 0: (n, d / 8)."""
    return np.packbits(rows > 0, axis=1, bitorder="little")


def default_step(dimension: int) -> float:
    """The width of a step: 1/508 at 384 dimensions, by sqrt(1/d), as components are so large."""
    return float((384 / dimension) ** 0.5) / 508


def fit_step(unit: Floats) -> float:
    """The same, but wide enough that of `unit`, (n, d), hardly a component is clipped."""
    widest = float(np.quantile(np.abs(unit), 0.9999))
    return max(default_step(unit.shape[1]), widest / LARGEST_STEP)


@dataclass(frozen=True)
class Quantizer:
    """How a store turns vectors of `dimension` components into codes."""

    dimension: int
    step: float
    mean: Floats | None = None
    """(d,), taken off before the signs; None = zero."""
    rotation: Floats | None = None
    """(d, d), applied after the mean is off: (x - mean) @ rotation; None = identity."""

    def normalize_rows(self, vectors: Floats) -> Floats:
        """`vectors`, (n, d), with rows of length 1.

        ValueError: another shape, or a row that is zero or not finite.
        """
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"vectors have shape {rows.shape}, not (n, {self.dimension})")
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ValueError("a vector is zero or not finite")
        return np.asarray(rows / lengths, dtype=np.float32)

    def encode_bits(self, unit: Floats) -> Bytes:
        """The signs of each row, (n, d / 8), first component in the lowest bit."""
        return pack_signs(self.rotate_rows(unit))

    def rotate_rows(self, unit: Floats) -> Floats:
        """The components whose signs are the bits, (n, d): the mean is off, and rows are turned."""
        turned = unit if self.rotation is None else unit @ self.rotation
        return np.asarray(turned - self._rotated_mean, dtype=np.float32)

    @cached_property
    def _rotated_mean(self) -> Floats | float:
        if self.mean is None or self.rotation is None:
            return 0.0 if self.mean is None else self.mean
        return self.mean @ self.rotation

    def to_int8(self, unit: Floats) -> Steps:
        """Each component of each row, (n, d), in steps, clipped at 127 of them."""
        found = np.rint(unit * np.float32(1 / self.step))
        np.clip(found, -LARGEST_STEP, LARGEST_STEP, out=found)
        return np.asarray(found, dtype=np.int8)

    def compute_cosines(self, steps: Steps, unit: Floats) -> NDArray[np.float64]:
        """Of the rows of `steps`, (n, d), with `unit`, (d,), of length 1: (n,)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        cosines = np.clip(compute_inner_products(rows, unit) / np.maximum(lengths, 1), -1, 1)
        return np.asarray(cosines, dtype=np.float64)

    def from_int8(self, steps: Steps) -> Floats:
        """Rows of length 1 from `steps`: (n, d)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
