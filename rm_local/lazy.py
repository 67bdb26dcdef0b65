"""Imports the public names of a package at their first use (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def export_lazily(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Create the function `__getattr__` of `package`; `names` maps submodules to public names.

    `dir()` and `import *` list the same names. The package also imports them under TYPE_CHECKING,
    for type checkers and editors.
    """
    homes = {name: f"{package}.{module}" for module, each in names.items() for name in each}

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    face = sys.modules[package].__dict__
    face["__all__"] = sorted(homes)
    face["__dir__"] = lambda: sorted({*face, *homes})
    return get_attribute
