"""rm-small of other files: a package with a base of random weights, and an adapter for it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rm_local.library import smollm2
from tests.support import tiny_gguf
from tests.support.random_adapters import make_factors, write_adapter


def install_package(folder: Path, monkeypatch: pytest.MonkeyPatch, base: bytes) -> Path:
    """Let a package in `folder`, which raises when it is imported, hold `base`; the base's file."""
    package = folder / "not_to_be_imported"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(smollm2, "PACKAGE", package.name)
    monkeypatch.setattr(smollm2, "SMOLLM2_SHA256", hashlib.sha256(base).hexdigest())
    (package / smollm2.FILE).write_bytes(base)
    return package / smollm2.FILE


def remove_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the base's package not be installed."""
    monkeypatch.setattr(smollm2, "PACKAGE", "no_such_package_anywhere")


def install_rm_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Let rm-small consist of a tiny base and a random adapter; their files."""
    base = tiny_gguf.write(folder / "tiny.gguf")
    base = install_package(folder, monkeypatch, base.read_bytes())
    adapter = folder / "lora.gguf"
    monkeypatch.setattr("rm_local.paths.shipped_adapter", lambda: adapter)
    write_adapter(adapter, make_factors(base), trained_on=smollm2.SMOLLM2_SHA256)
    return base, adapter
