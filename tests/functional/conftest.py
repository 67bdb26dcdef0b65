"""Commands over a scripted runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fake_runtime import FakeRuntime


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRuntime]:
    """Call it with FakeRuntime's arguments: commands then open that runtime."""

    def use(**parts: Any) -> FakeRuntime:
        runtime = FakeRuntime(**parts)
        monkeypatch.setattr("rm_local.runtime.Runtime", lambda _settings, **_: runtime)
        return runtime

    return use
