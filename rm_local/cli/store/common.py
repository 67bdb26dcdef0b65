"""Helpers of the commands of `rm-local store`: which store they use, and the end by SIGTERM."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.cli.context import CliContext

RESUMABLE = "Stopped. Run the same command again to continue."


def list_stores_to_read(context: CliContext, stores: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the paths of the stores that a command reads: all active ones.

    They are named by an option of the command (`stores`), else by one of `rm-local`, else in the
    settings; otherwise they are the shipped store and the user's own.
    """
    from rm_local.active_stores import list_active_stores

    return list_active_stores(context.with_overrides(stores=stores).load_settings().stores)


def resolve_store_to_change(
    context: CliContext, stores: tuple[Path, ...], *, may_make: bool = False
) -> Path:
    """Return the path of the store that a command changes, by default the user's own store.

    An option of the command overrides one before it, and that the settings. `may_make`: the command
    makes the user's own store if it does not exist.

    Raises:
        ReadOnlyStoreError: It is the shipped store.
        UsageError: Several stores are named, or the user has no store yet.
    """
    from rm_local.active_stores import choose_store_to_change
    from rm_local.errors import UsageError
    from rm_local.paths import is_own_store

    path = choose_store_to_change(context.with_overrides(stores=stores).load_settings().stores)
    if not may_make and is_own_store(path) and not os.path.lexists(path):
        raise UsageError(
            "You have no store of your own yet.",
            "Make it with `rm-local store import FILE`, or name another one: --store FILE.",
        )
    return path


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit in the `with` body, so that temporary files are removed."""

    def end_command(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end_command)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
