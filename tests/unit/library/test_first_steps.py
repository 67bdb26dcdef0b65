"""What is shown to a user without a model of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.library import first_steps
from rm_local.library.embedded_models import RM_SMALL
from rm_local.library.first_steps import find_first_steps, suggest_catalog_model
from rm_local.library.hub.catalog import load_catalog
from rm_local.paths import shipped_model
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support import tiny_gguf


@pytest.fixture(autouse=True)
def _plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_steps, "measure_free_memory", lambda: 16_000_000_000)


@pytest.mark.parametrize("free", [None, 0, 10**8, 10**9, 2 * 10**9, 4 * 10**9, 10**10, 10**12])
def test_a_suggested_model_fits(free: int | None) -> None:
    """Into what is free, with room for others; on a tiny machine there is none."""
    found = suggest_catalog_model(free)
    if found is None:
        assert (free or 0) < 1_200_000_000
    else:
        assert found.estimated_memory_gb * 1e9 < (free or 0)
        assert found.parameters <= first_steps.MAX_PARAMETERS


def test_more_memory_gives_no_smaller_model() -> None:
    """From a small general model to the largest that is quick on a processor."""
    sizes = [
        found.parameters
        for gb in range(1, 32)
        if (found := suggest_catalog_model(gb * 1_000_000_000)) is not None
    ]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 3


def test_the_catalog_has_small_general_models() -> None:
    """Three at least, for machines where no thinking model is quick; each says so."""
    small = [
        each for each in load_catalog().entries if not each.thinks and each.estimated_memory_gb < 2
    ]
    assert len(small) >= 3


@pytest.mark.parametrize(("model", "name"), [(shipped_model(), "rm-nano"), (RM_SMALL, "rm-small")])
def test_an_embedded_model_is_explained(model: Path, name: str, tmp_path: Path) -> None:
    """Its name, two lines, a model to get; none is found in an empty folder."""
    steps = find_first_steps(Settings(model_dirs=(tmp_path,)), model)
    assert steps.model == name
    assert len(steps.about.splitlines()) == 2
    assert steps.suggestion is not None


def test_models_on_this_machine_are_named(tmp_path: Path) -> None:
    """Three at most, and neither embedders nor what cannot be read."""
    for number in range(5):
        tiny_gguf.write(tmp_path / f"own-{number}.gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    steps = find_first_steps(Settings(model_dirs=(tmp_path,)), shipped_model())
    named = [name for name in steps.found if name.startswith("own-")]
    assert len(steps.found) == first_steps.MAX_FOUND
    assert named == list(steps.found)


async def test_a_user_who_named_a_model_is_asked_nothing(tmp_path: Path) -> None:
    """By option or by setting, even if it is an embedded one."""
    for runtime in (
        Runtime(Settings(), model=shipped_model()),
        Runtime(Settings(model=tmp_path / "mine.gguf")),
    ):
        assert await runtime.find_first_steps_unless_model_named() is None
        await runtime.close()
    default = Runtime(Settings(model_dirs=(tmp_path,)))
    assert await default.find_first_steps_unless_model_named() is not None
    await default.close()
