"""`rm-local store`: look at stores, check, change and measure them."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "info": "rm_local.cli.store.look:info",
    "verify": "rm_local.cli.store.look:verify",
    "export": "rm_local.cli.store.exchange:export",
    "import": "rm_local.cli.store.exchange:take_in",
    "merge": "rm_local.cli.store.rebuild:merge",
    "compact": "rm_local.cli.store.rebuild:compact",
    "diff": "rm_local.cli.store.compare:diff",
    "bench": "rm_local.cli.store.bench:bench",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def store() -> None:
    """Look at stores, check, change and measure them."""
