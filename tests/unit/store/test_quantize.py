"""Vectors as bits and bytes."""

from __future__ import annotations

import numpy as np
import pytest

from rm_local.store.codec.code_frames import (
    CompressedRankingCodes,
    RankingCodePacker,
    train_code_dictionary_on_random_vectors,
)
from rm_local.store.codec.quantize import Quantizer, get_default_quantization_step
from rm_local.store.format import DamagedError
from tests.support.stores import vectors


def test_a_step_is_a_508th_for_384_dimensions() -> None:
    """It grows as vectors get shorter, and the largest component always fits."""
    assert get_default_quantization_step(384) == 1 / 508
    assert get_default_quantization_step(96) == 2 / 508
    assert 127 * get_default_quantization_step(8) > 1


def test_steps_keep_the_cosine() -> None:
    """At 384 dimensions, cosines from codes are within 0.005 of the exact ones."""
    quantizer, rows = (
        Quantizer(384, get_default_quantization_step(384)),
        vectors(200, dimension=384),
    )
    restored = quantizer.decode_to_unit_vectors(quantizer.to_int8(rows))
    assert np.abs(restored @ rows[0] - rows @ rows[0]).max() < 0.005


def test_bits_are_the_signs_first_component_lowest() -> None:
    """One byte holds eight components."""
    row = np.array([[1, -1, -1, -1, -1, -1, -1, 1]], np.float32)
    assert Quantizer(8, 1.0).encode_sign_bits(row).tolist() == [[0b1000_0001]]


def test_bits_are_taken_after_mean_and_rotation() -> None:
    """The signs are those of (x - mean) @ rotation."""
    rows, mean = vectors(5), vectors(1, seed=1)[0] / 3
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(16, 16)))[0].astype(np.float32)
    turned = Quantizer(16, 1.0, mean, rotation).encode_sign_bits(rows)
    assert np.array_equal(turned, Quantizer(16, 1.0).encode_sign_bits((rows - mean) @ rotation))


@pytest.mark.parametrize("dimension", [8, 64, 384])
def test_packed_steps_come_back(dimension: int) -> None:
    """Whatever the rows, those far from the dictionary's too; long rows are packed tighter."""
    steps = np.random.default_rng(0).integers(-127, 128, (50, dimension)).astype(np.int8)
    usual = Quantizer(dimension, get_default_quantization_step(dimension)).to_int8(
        vectors(50, dimension=dimension)
    )
    packer = RankingCodePacker(dimension, train_code_dictionary_on_random_vectors(dimension))
    assert np.array_equal(packer.unpack_rows(packer.pack_rows(steps)), steps)
    packed = packer.pack_rows(usual)
    assert np.array_equal(packer.unpack_rows(packed), usual)
    assert np.array_equal(packer.unpack_frames(CompressedRankingCodes.from_codes(packed)), usual)
    if dimension == 384:
        assert max(map(len, packed)) < 345


@pytest.mark.parametrize("frame", [b"", b"\0", b"\xff" * 200, bytes(100)])
def test_an_invalid_frame_is_damage(frame: bytes) -> None:
    """It is never read as another vector."""
    packer = RankingCodePacker(384, train_code_dictionary_on_random_vectors(384))
    with pytest.raises(DamagedError):
        packer.unpack_rows([frame])
    whole = packer.pack_rows(np.zeros((2, 384), np.int8))
    with pytest.raises(DamagedError):
        packer.unpack_frames(CompressedRankingCodes.from_codes([whole[0], frame, whole[1]]))


def test_a_code_of_another_length_is_damage() -> None:
    """A frame of a shorter row is refused."""
    dictionary = train_code_dictionary_on_random_vectors(384)
    short = np.zeros((1, 376), np.int8)
    frames = RankingCodePacker(376, dictionary).pack_rows(short)
    with pytest.raises(DamagedError):
        RankingCodePacker(384, dictionary).unpack_rows(frames)
    with pytest.raises(DamagedError):
        RankingCodePacker(384, dictionary).unpack_frames(CompressedRankingCodes.from_codes(frames))


def test_no_frames_are_no_rows() -> None:
    """Of the right width."""
    assert RankingCodePacker(384, train_code_dictionary_on_random_vectors(384)).unpack_frames(
        CompressedRankingCodes.from_codes([])
    ).shape == (0, 384)
