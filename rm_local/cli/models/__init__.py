"""The commands of `rm-local models`, which list, choose, add, remove and download models."""

from __future__ import annotations

import click

from rm_local.cli.lazy_group import CommandGroup

COMMANDS = {
    "list": "rm_local.cli.models.list:list_command",
    "info": "rm_local.cli.models.info:show_model_info",
    "use": "rm_local.cli.models.use:use",
    "add": "rm_local.cli.models.add:add",
    "remove": "rm_local.cli.models.remove:remove",
    "catalog": "rm_local.cli.models.catalog:catalog",
    "pull": "rm_local.cli.models.pull:pull",
    "bench": "rm_local.cli.models.bench:measure_model",
}


@click.group(cls=CommandGroup, lazy=COMMANDS, invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List, describe, choose, add, remove, download and measure the models on this machine.

    Without a command it lists them.
    """
    if ctx.invoked_subcommand is None:
        from rm_local.cli.models.list import list_command

        ctx.invoke(list_command)
