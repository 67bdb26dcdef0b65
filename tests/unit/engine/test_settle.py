"""Loading with a loader that fails as llama.cpp does: no model, or no context."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from rm_local.engine.placement.offload import Placement
from rm_local.engine.worker.llama.loading import load_with_fallback_placements
from rm_local.errors import ContextAllocationError, InvalidModelError, ModelLoadError

ALL = Placement(37, 512)


@dataclass
class Loader:
    """Gives weights for at most `layers`, and contexts that `room` allows."""

    layers: int = 37
    batch: int = 512
    on_device: bool = True
    loads: list[int] = field(default_factory=list)
    opened: list[Placement] = field(default_factory=list)
    alive: int = 0

    def load(self, placement: Placement) -> str:
        self.loads.append(placement.layers)
        if placement.layers > self.layers:
            raise ModelLoadError("unable to allocate CUDA0 buffer")
        self.alive += 1
        return "weights"

    def open(self, weights: str, placement: Placement) -> Placement:
        assert weights
        self.opened.append(placement)
        if placement.batch > self.batch or (placement.cache_on_device and not self.on_device):
            raise ContextAllocationError("failed to allocate buffer for kv cache")
        return placement

    def close(self, weights: str) -> None:
        assert weights
        self.alive -= 1

    def settled(self, first: Placement = ALL) -> Placement:
        return load_with_fallback_placements(first, self.load, self.open, self.close)[1]


def test_what_fits_is_loaded_once() -> None:
    """Nothing is tried twice."""
    loader = Loader()

    assert loader.settled() == ALL
    assert (loader.loads, loader.alive) == ([37], 1)


def test_weights_are_tried_with_fewer_layers() -> None:
    """Until they load; what failed holds nothing."""
    loader = Loader(layers=20)

    assert loader.settled().layers == 20
    assert loader.loads == [37, 27, 20]
    assert loader.alive == 1


def test_a_context_gives_way_before_the_layers_do() -> None:
    """Smaller portions, then the cache in main memory; the weights are loaded once."""
    assert Loader(batch=128).settled() == Placement(37, 128)
    loader = Loader(batch=128, on_device=False)

    assert loader.settled() == Placement(37, 128, cache_on_device=False)
    assert (loader.loads, loader.alive) == ([37], 1)


def test_loading_falls_back_to_the_processor_and_its_smallest_portions() -> None:
    """Weights of more layers are let go of before fewer are loaded."""
    loader = Loader(batch=32, on_device=False)

    assert loader.settled() == Placement(0, 32, cache_on_device=False)
    assert loader.loads[-1] == 0
    assert loader.alive == 1


def test_the_last_error_is_raised_and_nothing_is_held() -> None:
    """A context, or weights, that fit nowhere."""
    contexts, weights = Loader(batch=0), Loader(layers=-1)

    with pytest.raises(ContextAllocationError, match="kv cache"):
        contexts.settled()
    with pytest.raises(ModelLoadError, match="unable to allocate"):
        weights.settled()
    assert contexts.alive == weights.alive == 0


def test_other_errors_are_not_tried_again() -> None:
    """A file of a wrong kind stays one, however few layers."""
    loader = Loader()

    def load(_placement: Placement) -> str:
        loader.loads.append(0)
        raise InvalidModelError("an encoder")

    with pytest.raises(InvalidModelError):
        load_with_fallback_placements(ALL, load, loader.open, loader.close)
    assert loader.loads == [0]
