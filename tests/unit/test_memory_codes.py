"""Vectors as bits and bytes."""

from __future__ import annotations

import numpy as np
import pytest

from rm_local.memory.codes import Quantiser, scale_for
from rm_local.memory.format import DamagedError
from tests.stores import vectors


def test_the_scale_is_a_quarter_for_384_dimensions() -> None:
    """It grows as vectors get shorter, and is never above 1."""
    assert scale_for(384) == 0.25
    assert scale_for(96) == 0.5
    assert scale_for(8) == 1.0


def test_int8_keeps_the_cosine() -> None:
    """At 384 dimensions, cosines from codes are within 0.005 of the exact ones."""
    quantiser, rows = Quantiser(384, scale_for(384)), vectors(200, dimension=384)
    restored = quantiser.floats([code.tobytes() for code in quantiser.int8(rows)])
    assert np.abs(restored @ rows[0] - rows @ rows[0]).max() < 0.005


def test_bits_are_the_signs_first_component_lowest() -> None:
    """One byte holds eight components."""
    row = np.array([[1, -1, -1, -1, -1, -1, -1, 1]], np.float32)
    assert Quantiser(8, 1.0).bits(row).tolist() == [[0b1000_0001]]


def test_bits_are_taken_after_mean_and_rotation() -> None:
    """The signs are those of (x - mean) @ rotation."""
    rows, mean = vectors(5), vectors(1, seed=1)[0] / 3
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(16, 16)))[0].astype(np.float32)
    turned = Quantiser(16, 1.0, mean, rotation).bits(rows)
    assert np.array_equal(turned, Quantiser(16, 1.0).bits((rows - mean) @ rotation))


def test_a_code_of_another_length_is_damage() -> None:
    """It is never read as another vector."""
    with pytest.raises(DamagedError):
        Quantiser(16, 1.0).floats([b"\0" * 15])
