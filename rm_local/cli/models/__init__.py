"""`rm-local models`: which GGUF models are on this machine, what they need, which one is used."""

from __future__ import annotations

import click

from rm_local.cli.group import LazyGroup

COMMANDS = {
    "list": "rm_local.cli.models.list:list_command",
    "info": "rm_local.cli.models.info:info",
    "add": "rm_local.cli.models.add:add",
    "use": "rm_local.cli.models.use:use",
    "remove": "rm_local.cli.models.remove:remove",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List the GGUF models on this machine, look at one, choose one.

    Alone it lists them.
    """
    if ctx.invoked_subcommand is None:
        from rm_local.cli.models.list import list_command

        ctx.invoke(list_command)
