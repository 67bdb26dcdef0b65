"""Models of random weights, the shipped one, and an engine for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rm_local import settings
from rm_local.embed import minilm
from rm_local.engine.client import Engine
from tests import tiny_gguf


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
    shipped = settings.shipped_model()
    return shipped if shipped.is_file() else tiny


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM, the query embedder, as a GGUF."""
    return minilm.gguf_file(tmp_path_factory.mktemp("cache"))


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine whose worker has not been started."""
    async with Engine(log=tmp_path / "logs" / "worker.log", threads=1) as engine:
        yield engine
