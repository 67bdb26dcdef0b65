"""What the commands of `rm-local store` share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.cli.context import Opening

GOES_ON = "Stopped. The same command goes on from here."


def store_path(opening: Opening, store: Path | None) -> Path:
    """The store that a command works on: its own, the one named before it, or the settings'."""
    from rm_local import paths

    return opening.over(store=store).settings().store or paths.shipped_store()


def writable_store_path(opening: Opening, store: Path | None) -> Path:
    """The store that a command changes: as `store_path`, but never the shipped one unless named."""
    from rm_local.errors import UsageError

    path = opening.over(store=store).settings().store
    if path is None:
        raise UsageError("No store is named.", "Name the one to change: --store FILE.")
    return path


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Within it SIGTERM ends the command as an exception does, so that temporary files go."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
