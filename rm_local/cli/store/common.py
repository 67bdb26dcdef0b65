"""What the commands of `rm-local store` share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from rm_local.cli.context import Opening
from rm_local.cli.store.progress import Teller

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")


def path_of(opening: Opening, store: Path | None) -> Path:
    """The store that a command works on: its own, the one named before it, or the settings'."""
    from rm_local import settings

    return opening.over(store=store).settings().store or settings.shipped_store()


def own_path(opening: Opening, store: Path | None) -> Path:
    """The store that a command changes: as `path_of`, but never the shipped one unless named."""
    from rm_local.errors import UsageError

    path = opening.over(store=store).settings().store
    if path is None:
        raise UsageError("No store is named.", "Name the one to change: --store FILE.")
    return path


@contextmanager
def telling() -> Iterator[Teller]:
    """Tells how far a command is, until the body ends."""
    teller = Teller()
    try:
        yield teller
    finally:
        teller.end()


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
