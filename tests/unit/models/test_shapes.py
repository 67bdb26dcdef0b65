"""The shapes of published models."""

from __future__ import annotations

import math

import pytest

from models.shapes.shape import list_tensors, read_shapes
from models.shapes.weights import choose_tensor_type

PARAMETERS = {
    "qwen3-0.6b": 596e6,
    "qwen3-4b": 4.02e9,
    "llama-3.2-1b": 1.236e9,
    "olmoe-1b-7b": 6.92e9,
    "qwen3-30b-a3b": 30.5e9,
    "lfm2-350m": 354e6,
    "mamba-130m": 129e6,
}
"""As their makers count them."""


@pytest.mark.parametrize("name", read_shapes())
def test_a_shape_has_the_parameters_of_its_model(name: str) -> None:
    """Within 1 % of the published count."""
    counted = sum(math.prod(tensor.size) for tensor in list_tensors(read_shapes()[name]))

    assert counted == pytest.approx(PARAMETERS[name], rel=0.01)


def test_a_cut_shape_says_so() -> None:
    """Its name has both numbers of layers; all layers are no cut."""
    shape = read_shapes()["qwen3-30b-a3b"]

    assert shape.keep_first_layers(2).name == "qwen3-30b-a3b-2-of-48-layers"
    assert {tensor.layer for tensor in list_tensors(shape.keep_first_layers(2))} == {-1, 0, 1}
    assert shape.keep_first_layers(48) is shape


def test_a_row_that_is_no_whole_number_of_blocks_has_another_type() -> None:
    """256 values are a block of Q4_K and Q6_K; of 32 are those of the types in their stead."""
    shape = read_shapes()["mamba-130m"]
    narrow = [t for t in list_tensors(shape) if t.kind == "matrix" and t.size[-1] % 256]

    assert all(choose_tensor_type("Q4_K_M", t, shape).name in ("Q5_0", "Q8_0") for t in narrow)
