"""What the commands of `rm-local store` share."""

from __future__ import annotations

from pathlib import Path

import click

from rm_local.cli.opening import Opening

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")


def path_of(opening: Opening, store: Path | None) -> Path:
    """The store that a command works on: its own, the one named before it, or the settings'."""
    from rm_local import settings

    return opening.over(store=store).settings().store or settings.shipped_store()
