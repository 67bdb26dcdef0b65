"""The store that a command of `rm-local store` works on, and how a command is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.cli.context import CliContext

RESUMABLE = "Stopped. Run the same command again to continue."


def store_path(context: CliContext, store: Path | None) -> Path:
    """Return the store to read: the command's, the one named before it, or the settings'."""
    from rm_local import paths

    return context.with_overrides(store=store).load_settings().store or paths.shipped_store()


def writable_store_path(context: CliContext, store: Path | None) -> Path:
    """Return the store to change: as `store_path`, but the shipped one only if it is named.

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
    """Within it SIGTERM ends the command by an exception, so that temporary files are removed."""

    def end_command(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end_command)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
