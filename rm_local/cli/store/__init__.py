"""`rm-local store`: build stores, look at them, keep them in shape, and measure them."""

from __future__ import annotations

import click

from rm_local.cli.lazy_group import LazyGroup

COMMANDS = {
    "build": "rm_local.cli.store.build:build",
    "info": "rm_local.cli.store.info:info",
    "verify": "rm_local.cli.store.verify:verify",
    "optimize": "rm_local.cli.store.optimize:optimize",
    "export": "rm_local.cli.store.export:export",
    "import": "rm_local.cli.store.import_:import_",
    "merge": "rm_local.cli.store.merge:merge",
    "compact": "rm_local.cli.store.compact:compact",
    "diff": "rm_local.cli.store.diff:diff",
    "gate": "rm_local.cli.store.gate:gate",
    "bench": "rm_local.cli.store.bench:bench",
    "generate": "rm_local.cli.store.generate:generate",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def store() -> None:
    """Build stores, look at them, keep them in shape, and measure them."""
