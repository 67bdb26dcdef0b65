"""Models of random weights, the shipped one, and an engine for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from models.shapes.shape import Shape, read_shapes
from models.shapes.write import write_gguf
from rm_local import paths
from rm_local.embed import minilm
from rm_local.engine.client import Engine
from rm_local.options import EngineOptions
from tests.support import tiny_gguf


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thinking model of random weights."""
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes seconds to read a few thousand tokens."""
    path = tmp_path_factory.mktemp("models") / "large.gguf"
    return tiny_gguf.write(path, tiny_gguf.LARGE)


@pytest.fixture(scope="session")
def nano(tiny: Path) -> Path:
    """The model that is shipped, or, in a checkout without it, the one of random weights."""
    shipped = paths.shipped_model()
    return shipped if shipped.is_file() else tiny


@pytest.fixture(scope="session")
def weights() -> Path:
    """MiniLM, the query embedder, as a GGUF."""
    return minilm.find_minilm_gguf()


@pytest.fixture(scope="session")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose layers are convolutions but for one: LFM2's form."""
    path = tmp_path_factory.mktemp("models") / "hybrid.gguf"
    shape = replace(small("lfm2-350m"), heads=4, kv_heads=2, attention=(2,))
    write_gguf(shape, path, "F16", paths.shipped_model())
    return path


@pytest.fixture(scope="session")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without attention: Mamba's form."""
    path = tmp_path_factory.mktemp("models") / "recurrent.gguf"
    write_gguf(replace(small("mamba-130m"), inner=512), path, "F16", paths.shipped_model())
    return path


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine whose worker has not been started."""
    async with Engine(EngineOptions(threads=1), log=tmp_path / "logs" / "worker.log") as engine:
        yield engine


def small(name: str) -> Shape:
    """A published shape with few and narrow layers."""
    return replace(
        read_shapes()[name].keep_first_layers(3),
        width=256,
        inner=256,
        vocabulary=1600,
        context=2048,
        attention=None,
    )
