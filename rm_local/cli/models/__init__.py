"""`rm-local models`: the models to reason with."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "catalog": "rm_local.cli.models.catalog:catalog",
    "pull": "rm_local.cli.models.pull:pull",
    "bench": "rm_local.cli.models.bench:bench",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def models() -> None:
    """Find good models, fetch them when asked to, and measure them."""
