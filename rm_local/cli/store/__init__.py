"""`rm-local store`: look at a store, check it, and measure one."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "info": "rm_local.cli.store.look:info",
    "verify": "rm_local.cli.store.look:verify",
    "bench": "rm_local.cli.store.bench:bench",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def store() -> None:
    """Look at a store, check it, and measure one."""
