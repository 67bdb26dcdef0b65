"""The commands of `rm-local models`, which list, choose, add, remove and download models."""

from __future__ import annotations

import click

from rm_local.cli.lazy_group import CommandGroup
from rm_local.cli.options import EVERY_KIND, JSON
from rm_local.errors import UsageError

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
@JSON
@EVERY_KIND
@click.pass_context
def models(ctx: click.Context, as_data: bool, every: bool) -> None:
    """List, describe, choose, add, remove, download and measure the models on this machine.

    Without a command it lists them.
    """
    command = ctx.invoked_subcommand
    if command is None:
        from rm_local.cli.models.list import list_command

        ctx.invoke(list_command, as_data=as_data, every=every)
    elif as_data or every:
        option = "--json" if as_data else "--all"
        raise UsageError(
            f"{option} stands before the command {command}, where it has no effect.",
            f"Write it after the command: rm-local models {command} {option}",
        )
