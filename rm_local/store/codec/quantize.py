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
    """Return the inner product of each row of `rows` (n, d) with the vector `unit` (d,).

    The result is an array (n,). It is computed on one core: after a product by BLAS all cores
    spin for as long as a search takes, and a second thread that reads the store is slowed down.
    """
    return np.asarray(np.einsum("ij,j->i", rows, unit), dtype=np.float32)


def pack_signs(rows: Floats) -> Bytes:
    """Pack the signs of an array (n, d) into an array (n, d / 8) of bytes.

    A bit is 1 for a component above 0; the first component is in the lowest bit.
    """
    return np.packbits(rows > 0, axis=1, bitorder="little")


def get_default_quantization_step(dimension: int) -> float:
    """Return the default quantization step (component per int8 unit) for vectors of length 1.

    It is 1/508 at 384 dimensions and, like their components, proportional to 1/sqrt(dimension).
    """
    return float((384 / dimension) ** 0.5) / 508


def fit_quantization_step(unit: Floats) -> float:
    """Return the quantization step for the rows of `unit`, an array (n, d) of length 1.

    It is the default step, or a larger one if 99.99 % of the components need it to fit into int8.
    """
    widest = float(np.quantile(np.abs(unit), 0.9999))
    return max(get_default_quantization_step(unit.shape[1]), widest / LARGEST_STEP)


@dataclass(frozen=True)
class Quantizer:
    """Converter of unit vectors to sign bits, and to int8 components and back.

    Searches find candidates by sign bits and rank them by the int8 components.
    """

    dimension: int
    step: float
    """Quantization step: the change of a vector's component for one unit of int8."""
    mean: Floats | None = None
    """Vector (d,) subtracted before the signs are taken; None: zero."""
    rotation: Floats | None = None
    """Matrix (d, d) applied after the subtraction, (x - mean) @ rotation; None: identity."""

    def normalize_rows(self, vectors: Floats) -> Floats:
        """Return the rows of the array (n, d) scaled to length 1, as float32.

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

    def encode_sign_bits(self, unit: Floats) -> Bytes:
        """Return the sign bits of each row, centered and rotated: an array (n, d / 8) of bytes.

        The first component is in the lowest bit.
        """
        return pack_signs(self.center_and_rotate_rows(unit))

    def center_and_rotate_rows(self, unit: Floats) -> Floats:
        """Subtract `mean` from the rows of an array (n, d), then multiply them by `rotation`.

        The signs of the result, an array (n, d), are the rows' sign bits.
        """
        rotated = unit if self.rotation is None else unit @ self.rotation
        return np.asarray(rotated - self._rotated_mean, dtype=np.float32)

    @cached_property
    def _rotated_mean(self) -> Floats | float:
        if self.mean is None or self.rotation is None:
            return 0.0 if self.mean is None else self.mean
        return self.mean @ self.rotation

    def to_int8(self, unit: Floats) -> Steps:
        """Divide each component by `step`, round and clip to -127..127: an int8 array (n, d)."""
        found = np.rint(unit * np.float32(1 / self.step))
        np.clip(found, -LARGEST_STEP, LARGEST_STEP, out=found)
        return np.asarray(found, dtype=np.int8)

    def compute_cosines(self, steps: Steps, unit: Floats) -> NDArray[np.float64]:
        """Return the cosine of each quantized row with the unit vector `unit`: an array (n,)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        cosines = np.clip(compute_inner_products(rows, unit) / np.maximum(lengths, 1), -1, 1)
        return np.asarray(cosines, dtype=np.float64)

    def decode_to_unit_vectors(self, steps: Steps) -> Floats:
        """Convert rows of `to_int8` back to vectors, scaled to length 1: an array (n, d)."""
        rows = steps.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, np.newaxis]
        return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
