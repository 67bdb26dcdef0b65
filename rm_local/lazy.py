"""Public names of a package that are imported when they are first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def export_lazily(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A module's `__getattr__` for the public `names` of `package`, by the submodule they are in.

    The package imports the same names under TYPE_CHECKING, for type checkers and editors.
    """
    homes = {name: f"{package}.{module}" for module, each in names.items() for name in each}

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return get_attribute
