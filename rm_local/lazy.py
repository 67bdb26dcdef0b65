"""Imports the public names of a package at their first use (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def export_lazily(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return a `__getattr__` for `package` that imports a public name at its first use.

    `names` maps each submodule to its public names. The function also sets `__all__` and `__dir__`
    of the package. The package itself imports the names under TYPE_CHECKING, for type checkers.
    """
    homes = {name: f"{package}.{module}" for module, each in names.items() for name in each}

    def import_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    face = sys.modules[package].__dict__
    face["__all__"] = sorted(homes)
    face["__dir__"] = lambda: sorted({*face, *homes})
    return import_attribute
