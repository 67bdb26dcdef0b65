"""`rm-local store`: build stores, look at them, keep them in shape, and measure them."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "build": "rm_local.cli.store.build:build",
    "info": "rm_local.cli.store.look:info",
    "verify": "rm_local.cli.store.look:verify",
    "tidy": "rm_local.cli.store.tidy:tidy",
    "export": "rm_local.cli.store.exchange:export",
    "import": "rm_local.cli.store.exchange:take_in",
    "merge": "rm_local.cli.store.rebuild:merge",
    "compact": "rm_local.cli.store.rebuild:compact",
    "diff": "rm_local.cli.store.compare:diff",
    "bench": "rm_local.cli.store.bench:bench",
    "synth": "rm_local.cli.store.synth:synth",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def store() -> None:
    """Build stores, look at them, keep them in shape, and measure them."""
