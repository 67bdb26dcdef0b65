"""`rm-local store`: build a store, look at it, keep it in shape, and measure one."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "build": "rm_local.cli.store.build:build",
    "info": "rm_local.cli.store.look:info",
    "verify": "rm_local.cli.store.look:verify",
    "tidy": "rm_local.cli.store.tidy:tidy",
    "bench": "rm_local.cli.store.bench:bench",
    "synth": "rm_local.cli.store.synth:synth",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def store() -> None:
    """Build a store, look at it, keep it in shape, and measure one."""
