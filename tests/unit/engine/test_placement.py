"""What goes where: tables of devices and of free memory, and what is tried after a failure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from rm_local.engine.placement import offload, requirements
from rm_local.engine.placement.offload import Device, Placement, PlacementRequest
from rm_local.errors import InsufficientMemoryError
from rm_local.gguf.architecture import LayerCacheShape, ModelShape

GIB = 1 << 30
LAYERS = 36
ALL = LAYERS + 1
SHAPE = ModelShape((LayerCacheShape(1024, 1024),) * LAYERS, 2560, 4096, 32, 9728, 151_936)


@dataclass(frozen=True)
class Sizes:
    """The sizes of Qwen3-4B at Q4_K_M."""

    weight_bytes: int = 2_500_000_000
    total_layer_bytes: int = 2_100_000_000
    trained_context: int = 40960
    shape: ModelShape = SHAPE


MODEL = Sizes()
ASKED = PlacementRequest(8192)


def card(gib: float, name: str = "CUDA0") -> Device:
    return Device(name, "a card", "gpu", round(gib * GIB), round(gib * GIB))


CPU = Device("CPU", "a processor", "cpu", 16 * GIB, 16 * GIB)
INSIDE = Device("Vulkan0", "a processor's graphics", "igpu", 8 * GIB, 8 * GIB)


@pytest.mark.parametrize(
    ("seen", "used"),
    [
        ([CPU], []),
        ([card(8), CPU], ["CUDA0"]),
        ([INSIDE, CPU], ["Vulkan0"]),
        ([card(8), INSIDE, card(4, "CUDA1"), CPU], ["CUDA0", "CUDA1"]),
    ],
)
def test_cards_get_layers_before_shared_graphics(seen: list[Device], used: list[str]) -> None:
    """Cards, or else the processor's own graphics; never the processor."""
    assert [device.name for device in offload.select_discrete_gpus_or_one_integrated(seen)] == used


@pytest.mark.parametrize(
    ("free", "layers"),
    [
        ([], 0),
        ([0.5], 0),
        ([1.5], 6),
        ([2.5], 18),
        ([4.0], LAYERS),
        ([8.0], ALL),
        ([3.0, 3.0], ALL),
    ],
)
def test_layers_are_placed_by_free_memory(free: list[float], layers: int) -> None:
    """None where not even computing fits, all where all do, what fits between.

    The output takes 400 MB, a layer 92, computing 132, and 537 stay free.
    """
    devices = [card(gib, f"CUDA{n}") for n, gib in enumerate(free)]

    assert offload.plan_placement(MODEL, devices, ASKED).layers == layers


def test_more_memory_never_holds_fewer_layers() -> None:
    """From none to all, growing with the memory; fewer with a larger context or cache."""
    steps = [n * GIB // 4 for n in range(40)]
    numbers = [offload.count_fitting_layers_and_output(MODEL, [free], ASKED) for free in steps]

    assert (numbers[0], numbers[-1]) == (0, ALL)
    assert numbers == sorted(numbers)
    free = [3 * GIB]
    larger, packed = replace(ASKED, context=32768), replace(ASKED, kv="q8_0")
    assert offload.count_fitting_layers_and_output(MODEL, free, larger) < numbers[12]
    assert offload.count_fitting_layers_and_output(MODEL, free, packed) > numbers[12]


def test_a_small_card_takes_its_part_of_the_layers() -> None:
    """Layers are split by free memory, and every device has to hold its part."""
    free = [6 * GIB, 2 * GIB]
    layers = offload.count_fitting_layers_and_output(MODEL, free, ASKED)

    assert 0 < layers <= ALL
    compute = requirements.estimate_memory(MODEL, 8192, batch=requirements.BATCH_GPU).compute
    each = MODEL.total_layer_bytes // LAYERS + 8192 * 2048 * 2
    assert layers * 0.25 * each < 2 * GIB - compute - offload.SPARE


@pytest.mark.parametrize(("asked", "layers"), [(0, 0), (10, 10), (500, ALL)])
def test_a_number_that_was_asked_for_is_taken(asked: int, layers: int) -> None:
    """Whatever the memory; at most all."""
    found = offload.plan_placement(MODEL, [card(2)], replace(ASKED, layers=asked))

    assert found.layers == layers
    assert found.batch == (requirements.BATCH_GPU if layers else requirements.BATCH_CPU)


def ladder(placement: Placement, failed: offload.Failed) -> list[Placement]:
    """All that is tried after it, when everything fails in the same way."""
    tried = [placement]
    while lower := offload.choose_fallback(tried[-1], failed):
        tried.append(lower)
    return tried


def test_weights_that_fail_get_fewer_layers_down_to_zero() -> None:
    """Always fewer, at last on the CPU alone, then nothing is left."""
    tried = ladder(Placement(ALL, 512), "weights")

    assert all(after.layers < before.layers for before, after in pairwise(tried))
    assert tried[-1] == Placement(0, requirements.BATCH_CPU, cache_on_device=False)


def test_a_context_that_fails_first_keeps_its_layers() -> None:
    """Smaller portions, then the cache in the machine's memory, then fewer layers."""
    tried = ladder(Placement(ALL, 512), "context")

    assert tried[1:4] == [
        Placement(ALL, 128),
        Placement(ALL, 128, cache_on_device=False),
        Placement(ALL * 3 // 4, 128),
    ]
    assert tried[-2:] == [
        Placement(0, 128, cache_on_device=False),
        Placement(0, offload.LEAST_BATCH, cache_on_device=False),
    ]


def test_what_a_card_holds_the_machine_does_not() -> None:
    """But for shared memory, and for a cache that stays with the machine."""
    alone = offload.estimate_host_bytes(MODEL, [], ASKED, Placement(0, 128, False))
    whole = Placement(ALL, 512)
    host_bytes = offload.estimate_host_bytes(MODEL, [card(8)], ASKED, whole)
    kept = offload.estimate_host_bytes(
        MODEL, [card(8)], ASKED, replace(whole, cache_on_device=False)
    )
    shared = offload.estimate_host_bytes(MODEL, [replace(card(8), name="MTL0")], ASKED, whole)

    need = requirements.estimate_memory(MODEL, 8192)
    assert alone == shared == need.total
    assert host_bytes == pytest.approx(need.total - need.weights - need.cache, abs=LAYERS)
    assert kept == pytest.approx(need.total - need.weights, abs=LAYERS)


def test_a_context_beyond_the_memory_is_refused_in_numbers() -> None:
    """Needed, free, the largest that fits, what a smaller cache allows, and the way round."""
    asked = replace(ASKED, context=1 << 20)

    with pytest.raises(InsufficientMemoryError) as caught:
        offload.check_fits_memory(MODEL, [], asked, 8 * GIB, "Qwen3 4B")

    found = offload.find_largest_context_in_memory_or_zero(
        MODEL, [], asked, 8 * GIB, MODEL.trained_context
    )
    assert "Qwen3 4B needs 157.5 GB" in caught.value.message
    assert "1,048,576 tokens" in caught.value.message
    assert "8.6 GB are free" in caught.value.message
    assert f"`context = {found}`" in caught.value.remedy
    assert '`kv_cache_type = "q8_0"`, 40,960 tokens fit' in caught.value.remedy
    assert "check_memory = false" in caught.value.remedy
    offload.check_fits_memory(MODEL, [], replace(asked, context=found), 8 * GIB, "")
    with pytest.raises(InsufficientMemoryError):
        offload.check_fits_memory(MODEL, [], replace(asked, context=found + 256), 8 * GIB, "")


def test_no_context_is_advised_that_the_model_was_not_trained_for() -> None:
    """Whatever the memory."""
    with pytest.raises(InsufficientMemoryError) as caught:
        offload.check_fits_memory(MODEL, [], replace(ASKED, context=1 << 20), 64 * GIB, "")

    assert "`context = 40960`, the context it was trained for" in caught.value.remedy


def test_unknown_free_memory_refuses_nothing() -> None:
    """Nor is what fits; a model that does not fit at any context names other ways."""
    offload.check_fits_memory(MODEL, [], replace(ASKED, context=1 << 20), None, "")
    offload.check_fits_memory(MODEL, [], ASKED, 16 * GIB, "")
    with pytest.raises(InsufficientMemoryError) as caught:
        offload.check_fits_memory(MODEL, [], ASKED, GIB, "")
    assert "smaller model" in caught.value.remedy


@pytest.mark.parametrize(
    ("free", "context"), [(None, 16384), (16 * GIB, 16384), (4 * GIB, 11008), (GIB, 16384)]
)
def test_the_usual_context_becomes_smaller_to_fit(free: int | None, context: int) -> None:
    """When nobody asked for one; what cannot be helped is left to the check."""
    assert (
        offload.choose_fitting_or_default_context(MODEL, [], PlacementRequest(0), free) == context
    )


def test_a_context_grows_only_into_memory_that_is_free() -> None:
    """What it needs on top of what it has already: 8,192 tokens more are 1.2 GB of cache."""
    offload.check_growth_fits_memory(MODEL, [], ASKED, 16384, 2 * GIB)
    offload.check_growth_fits_memory(MODEL, [], ASKED, 16384, None)
    with pytest.raises(
        InsufficientMemoryError, match=r"16,384 tokens need 1\.2 GB more .* 1\.1 GB are free"
    ):
        offload.check_growth_fits_memory(MODEL, [], ASKED, 16384, GIB)
