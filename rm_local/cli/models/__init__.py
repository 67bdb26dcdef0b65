"""`rm-local models`: the models of this machine."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "bench": "rm_local.cli.models.bench:bench",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def models() -> None:
    """The models of this machine."""
