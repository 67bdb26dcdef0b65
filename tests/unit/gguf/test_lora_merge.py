"""A base and an adapter become one file that holds their sum, or there is no file."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.gguf import merge_adapter_as_q8_0, predict_merged_header, read_header
from tests.support import tiny_gguf
from tests.support.random_adapters import Factors, make_factors, write_adapter

CHANGES: dict[str, str | float | bool] = {
    "general.name": "merged",
    "general.sampling.temp": 0.25,
    "rm_local.calculator": True,
}
QUERY = "blk.0.attn_q.weight"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A small model of random weights, float16."""
    return tiny_gguf.write(tmp_path / "base.gguf")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file in an empty folder."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "merged.gguf"


def unpack(path: Path) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """All tensors of a file as float32."""
    tensors = gguf.GGUFReader(path).tensors
    return {each.name: gguf.quants.dequantize(each.data, each.tensor_type) for each in tensors}


@pytest.mark.parametrize(("alpha", "scale"), [(4.0, 2.0), (0.0, 1.0)])
def test_the_merged_weights_are_the_sum(
    base: Path, target: Path, tmp_path: Path, alpha: float, scale: float
) -> None:
    """Each matrix is base + scale * b @ a but for Q8_0's rounding; vectors are the base's.

    As in llama.cpp the scale is alpha over the rank, and 1 where alpha is 0.
    """
    factors = make_factors(base)
    adapter = write_adapter(tmp_path / "lora.gguf", factors, alpha=alpha)

    merge_adapter_as_q8_0(base, adapter, target, CHANGES)

    merged = unpack(target)
    for name, values in unpack(base).items():
        if f"{name}.lora_a" in factors:
            a, b = (factors[f"{name}.lora_{each}"].astype(np.float32) for each in "ab")
            values = values + np.float32(scale) * (b @ a)
        if values.ndim == 1:
            np.testing.assert_array_equal(merged[name], values)
        else:
            # Half a step of Q8_0, a block's largest value over 127, and the step's own rounding.
            np.testing.assert_allclose(merged[name], values, atol=np.abs(values).max() / 220)


def test_metadata_are_the_bases_except_for_the_changes(
    base: Path, target: Path, tmp_path: Path
) -> None:
    """The vocabulary is kept, and the file says that it is Q8_0."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))

    merge_adapter_as_q8_0(base, adapter, target, CHANGES)

    before, after = (gguf.GGUFReader(path).fields for path in (base, target))
    expected = {key: field.contents() for key, field in before.items() if key[:5] != "GGUF."}
    expected |= CHANGES | {"general.file_type": 7}
    assert {key: after[key].contents() for key in after if key[:5] != "GGUF."} == expected


def test_the_header_is_known_before_the_merge(base: Path, target: Path, tmp_path: Path) -> None:
    """Sizes and metadata are predicted; the size of the file but for its metadata."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))
    predicted = predict_merged_header(read_header(base, table=True), CHANGES)

    merge_adapter_as_q8_0(base, adapter, target, CHANGES)

    found = read_header(target)
    assert (predicted.weight_bytes, predicted.total_layer_bytes) == (
        found.weight_bytes,
        found.total_layer_bytes,
    )
    assert predicted.values == found.values
    assert predicted.metadata == pytest.approx(found.metadata)
    assert predicted.needed_bytes == pytest.approx(found.needed_bytes, abs=1024)


def test_a_merge_can_be_stopped(base: Path, target: Path, tmp_path: Path) -> None:
    """What the callback raises ends it at that share, and nothing is left."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))
    shares: list[float] = []

    def report(share: float) -> None:
        shares.append(share)
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        merge_adapter_as_q8_0(base, adapter, target, CHANGES, report=report)

    assert shares == sorted(shares)
    assert 0.5 < shares[-1] < 1
    assert [*target.parent.iterdir()] == []


def test_a_merge_reports_its_end(base: Path, target: Path, tmp_path: Path) -> None:
    """The shares go from 0 to 1."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))
    shares: list[float] = []

    merge_adapter_as_q8_0(base, adapter, target, CHANGES, report=shares.append)

    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("kilobytes", [0, 1, 8, 64])
def test_a_target_that_cannot_grow_leaves_nothing(
    base: Path, target: Path, tmp_path: Path, kilobytes: int
) -> None:
    """The system refuses to write on, in the header or in the weights: OSError with its number."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, hard))
    try:
        with pytest.raises(OSError, match=r".") as caught:
            merge_adapter_as_q8_0(base, adapter, target, CHANGES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert caught.value.errno
    assert [*target.parent.iterdir()] == []


def without_b(factors: Factors) -> None:
    """A factor is missing."""
    del factors[f"{QUERY}.lora_b"]


def of_two_ranks(factors: Factors) -> None:
    """The factors of a matrix do not fit each other."""
    factors[f"{QUERY}.lora_a"] = factors[f"{QUERY}.lora_a"][:1]


def with_nan(factors: Factors) -> None:
    """A factor holds what is not a number."""
    factors[f"{QUERY}.lora_a"][0, 0] = np.nan


def of_another_shape(factors: Factors) -> None:
    """A matrix of the base is larger."""
    factors[f"{QUERY}.lora_b"] = factors[f"{QUERY}.lora_b"][:-1]


def of_another_matrix(factors: Factors) -> None:
    """The base has no such matrix."""
    for factor in "ab":
        factors[f"blk.9.attn_q.weight.lora_{factor}"] = factors.pop(f"{QUERY}.lora_{factor}")


def with_huge_numbers(factors: Factors) -> None:
    """The sum is finite as float32, but not as Q8_0."""
    for factor in "ab":
        factors[f"{QUERY}.lora_{factor}"][:] = 60_000


def with_a_plain_tensor(factors: Factors) -> None:
    """A tensor is no factor."""
    factors["output.weight"] = factors[f"{QUERY}.lora_a"]


def of_nothing(factors: Factors) -> None:
    """There are no factors at all."""
    factors.clear()


BROKEN = (
    without_b,
    of_two_ranks,
    with_nan,
    of_another_shape,
    of_another_matrix,
    with_huge_numbers,
    with_a_plain_tensor,
    of_nothing,
)


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
def test_an_adapter_that_does_not_fit_is_refused(
    base: Path, target: Path, tmp_path: Path, damage: Callable[[Factors], None]
) -> None:
    """The message names the adapter, and nothing is written."""
    factors = make_factors(base)
    damage(factors)
    adapter = write_adapter(tmp_path / "lora.gguf", factors)

    with pytest.raises(InvalidModelError, match=r"lora\.gguf") as caught:
        merge_adapter_as_q8_0(base, adapter, target, CHANGES)

    assert caught.value.remedy
    assert [*target.parent.iterdir()] == []


def test_an_adapter_for_another_architecture_is_refused(
    base: Path, target: Path, tmp_path: Path
) -> None:
    """Also where the shapes would fit."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base), architecture="llama")

    with pytest.raises(InvalidModelError, match="the architecture llama"):
        merge_adapter_as_q8_0(base, adapter, target, CHANGES)


def test_a_model_is_no_adapter(base: Path, target: Path, tmp_path: Path) -> None:
    """Neither is a file that only has an adapter's tensors."""
    named = write_adapter(tmp_path / "lora.gguf", make_factors(base), kind="model")

    for other in (base, named):
        with pytest.raises(InvalidModelError, match="not a LoRA adapter"):
            merge_adapter_as_q8_0(base, other, target, CHANGES)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.6, 0.99])
@pytest.mark.parametrize("which", ["base", "adapter"])
def test_a_file_that_is_cut_short_is_refused(
    base: Path, target: Path, tmp_path: Path, which: str, share: float
) -> None:
    """Wherever it was cut, nothing is written."""
    files = {"base": base, "adapter": write_adapter(tmp_path / "lora.gguf", make_factors(base))}
    whole = files[which].read_bytes()
    files[which].write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(InvalidModelError):
        merge_adapter_as_q8_0(files["base"], files["adapter"], target, CHANGES)

    assert [*target.parent.iterdir()] == []


def test_flipped_bytes_never_end_in_another_error(base: Path, target: Path, tmp_path: Path) -> None:
    """A damaged header of the adapter is refused, or does no harm."""
    adapter = write_adapter(tmp_path / "lora.gguf", make_factors(base))
    whole = adapter.read_bytes()
    draw, refused = np.random.default_rng(7), 0
    for _ in range(150):
        damaged = bytearray(whole)
        for at in draw.integers(4, 3000, 3):
            damaged[at] = draw.integers(256)
        adapter.write_bytes(damaged)
        try:
            merge_adapter_as_q8_0(base, adapter, target, CHANGES)
        except InvalidModelError:
            refused += 1
    assert refused > 100


def test_a_missing_adapter_is_named(base: Path, target: Path, tmp_path: Path) -> None:
    """As a model is that is not there."""
    with pytest.raises(ModelNotFoundError, match="none"):
        merge_adapter_as_q8_0(base, tmp_path / "none", target, CHANGES)
