"""The active stores: which are searched as one, what each is called, and which one is changed.

Without a named store these are the shipped store, which is read-only, and the user's own store,
which is made at the first write. Named ones (`--store`, the setting `stores`) replace both.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rm_local import paths
from rm_local.errors import HomeNotFoundError, UsageError
from rm_local.paths import is_own_store, is_shipped_store
from rm_local.settings import STORE_NAMES

SHIPPED, OWN = STORE_NAMES


def list_active_stores(named: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths of the stores that are searched as one, in the order of their precedence.

    They are the `named` stores, each once; without any the shipped store and the user's own store.
    As long as the user's own store does not exist, it is left out, unless it is the only one named.
    """
    if not named:
        own = find_own_store()
        return (paths.shipped_store(), own) if own else (paths.shipped_store(),)
    found = list(dict.fromkeys(map(_replace_shipped_or_own_by_path, named)))
    existing = [path for path in found if not is_own_store(path) or os.path.lexists(path)]
    return tuple(existing or found)


def find_own_store() -> Path | None:
    """Return the path of the user's own store; None if it does not exist."""
    try:
        own = paths.own_store()
    except HomeNotFoundError:
        return None
    return own if os.path.lexists(own) else None


def name_stores(stores: Sequence[Path]) -> tuple[str, ...]:
    """Return a name for each store: `shipped`, `own`, or the name of its file, made distinct."""
    names = [_name_store(path) for path in stores]
    repeated, seen = Counter(names), Counter[str]()
    for place, name in enumerate(names):
        if repeated[name] > 1:
            seen[name] += 1
            names[place] = f"{name}-{seen[name]}"
    return tuple(names)


def choose_store_to_change(named: Sequence[Path]) -> Path:
    """Return the store that a command changes: the named one, by default the user's own store.

    Of several named stores it is the user's own, else the one that can be written to. The store
    need not exist.

    Raises:
        ReadOnlyStoreError: It is the shipped store.
        UsageError: Several named stores can be written to.
        HomeNotFoundError: None is named, and the user has no home folder.
    """
    chosen = list(dict.fromkeys(map(_replace_shipped_or_own_by_path, named))) or [paths.own_store()]
    if len(chosen) > 1:
        from rm_local.store import is_store_writable

        own = [path for path in chosen if is_own_store(path)]
        chosen = own or [path for path in chosen if is_store_writable(path)] or chosen[:1]
    if len(chosen) > 1:
        raise UsageError(
            f"Several stores are named: {', '.join(map(str, chosen))}.",
            "Name the one to change: --store FILE.",
        )
    if is_shipped_store(chosen[0]):
        from rm_local.store import make_shipped_store_error

        raise make_shipped_store_error(chosen[0])
    return chosen[0]


def _replace_shipped_or_own_by_path(path: Path) -> Path:
    """Return the path of the store called `shipped` or `own`; any other path stays as it is.

    Raises:
        HomeNotFoundError: It is `own`, and the user has no home folder.
    """
    if str(path) == SHIPPED:
        return paths.shipped_store()
    return paths.own_store() if str(path) == OWN else path


def _name_store(path: Path) -> str:
    if is_shipped_store(path):
        return SHIPPED
    return OWN if is_own_store(path) else path.stem or str(path)
