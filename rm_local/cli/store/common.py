"""Helpers of the commands of `rm-local store`: which store they use, and the end by SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.cli.context import CliContext

RESUMABLE = "Stopped. Run the same command again to continue."


def resolve_store_path(context: CliContext, store: Path | None) -> Path:
    """Return the path of the store that a command reads.

    It is named by an option of the command (`store`), else by one of `rm-local`, else in the
    settings; otherwise it is the shipped store.
    """
    from rm_local import paths

    return context.with_overrides(store=store).load_settings().store or paths.shipped_store()


def require_named_store_path(context: CliContext, store: Path | None) -> Path:
    """Return the path of the store that a command changes: the one named by option or setting.

    The shipped store is no default for changes. An option of the command overrides one before it,
    and that the settings.

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
    """Let SIGTERM raise SystemExit in the `with` body, so that temporary files are removed."""

    def end_command(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end_command)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
