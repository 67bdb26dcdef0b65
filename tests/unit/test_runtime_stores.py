"""The stores of a runtime: which are opened, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rm_local import paths
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from rm_local.store import Store
from tests.support.static_stores import OWN, SHIPPED, ship, static_store


async def test_a_store_that_is_made_meanwhile_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The own store, by the next search; before it the shipped store is the only one opened."""
    ship(monkeypatch, static_store(tmp_path / "seed.rms", SHIPPED))
    runtime = Runtime(Settings())
    before = await runtime.search("boat rent", 10)
    paths.own_store().parent.mkdir(parents=True)
    static_store(paths.own_store(), OWN)

    after = await runtime.search("boat rent", 10)

    assert ({hit.store for hit in before}, len(before)) == ({""}, len(SHIPPED))
    assert after[0].key == ("own", 1)
    assert len(after) == runtime.entries == len(SHIPPED) + len(OWN)
    assert runtime.stores == (paths.shipped_store(), paths.own_store())
    await runtime.close()


async def test_one_store_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an own store no other file is opened, and later searches open nothing."""
    ship(monkeypatch, static_store(tmp_path / "seed.rms", SHIPPED))
    opened: list[Path] = []
    real = Store.open

    def count(path: Path, **how: Any) -> Store:
        opened.append(path)
        return real(path, **how)

    monkeypatch.setattr(Store, "open", count)
    runtime = Runtime(Settings())
    await runtime.search("boat rent", 10)
    await runtime.search("energy", 10)
    await runtime.close()

    assert opened == [paths.shipped_store()]
