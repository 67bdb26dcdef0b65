"""Finds the store for a command of `rm-local store`, and handles SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.cli.context import CliContext

RESUMABLE = "Stopped. Run the same command again to continue."


def store_path(context: CliContext, store: Path | None) -> Path:
    """Return the store to read: by option of the command, else of `rm-local`, else the settings."""
    from rm_local import paths

    return context.with_overrides(store=store).load_settings().store or paths.shipped_store()


def writable_store_path(context: CliContext, store: Path | None) -> Path:
    """Return the store to change: as `store_path`, but the shipped store only if it is named.

    Raises:
        UsageError: No store is named.
    """
    from rm_local.errors import UsageError

    path = context.with_overrides(store=store).load_settings().store
    if path is None:
        raise UsageError("No store is named.", "Name the one to change: --store FILE.")
    return path


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the `with` body by an exception, so that temporary files are removed."""

    def end_command(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end_command)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
