"""Commands over a scripted runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_runtime import FakeRuntime
from tests.support.local_hub import Hub, data, serving
from tests.support.watchdog import HANG_SECONDS


@pytest.fixture(autouse=True)
def patient_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that ask another process wait for its answer, however busy the machine is."""
    monkeypatch.setattr("rm_local.cli.subprocess_json.TIMEOUT_S", HANG_SECONDS)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRuntime]:
    """Call it with FakeRuntime's arguments: commands then open that runtime."""

    def use(**parts: Any) -> FakeRuntime:
        runtime = FakeRuntime(**parts)
        monkeypatch.setattr("rm_local.runtime.Runtime", lambda _settings, **_: runtime)
        return runtime

    return use


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine with one small model, which `models pull` asks; no token, no cache."""
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("rm_local.library.hub.download.PAUSES", (0.0, 0.0, 0.0))
    for limit in ("CONNECT", "SILENCE"):
        monkeypatch.setattr(f"rm_local.library.hub.hub_client.{limit}", HANG_SECONDS)
    with serving(Hub({"tiny-Q4_K_M.gguf": data(300_000)})) as serves:
        monkeypatch.setenv("HF_ENDPOINT", serves.url)
        yield serves
