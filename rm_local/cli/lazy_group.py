"""A click group that imports a command when it is called, and reports errors in one way."""

from __future__ import annotations

import os
from contextlib import nullcontext
from importlib import import_module
from typing import IO, Any

import click

from rm_local.cli.old_options import print_renamed, replace_command
from rm_local.errors import RmLocalError, Stopped


class Failure(click.ClickException):
    """Two lines on standard error, what happened and what to do, and an exit code."""

    def __init__(self, message: str, remedy: str, exit_code: int) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    @classmethod
    def of(cls, error: RmLocalError) -> Failure:
        """The failure that reports this error."""
        return cls(error.message, error.remedy, error.exit_code)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write both lines, safe for a terminal."""
        from rm_local.text import clean

        head = click.style("error:", fg="red")
        click.echo(f"{head} {clean(self.message)}", err=True, color=self.show_color)
        if self.remedy:
            click.echo(f"  {clean(self.remedy)}", err=True, color=self.show_color)


class LazyGroup(click.Group):
    """Commands named by `module:attribute`; a module is imported when its command is asked for."""

    def __init__(self, *args: Any, lazy: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which they were given."""
        return [*self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command; `cmd_name` may be an old name of it."""
        cmd_name = replace_command(self.name or "", cmd_name)
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name].split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever goes wrong becomes a message and an exit code."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            with nullcontext() if ctx.parent else print_renamed():
                return super().invoke(ctx)
        except RmLocalError as error:
            raise Failure.of(error) from error
        except KeyboardInterrupt:
            ctx.exit(Stopped.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            from rm_local.cli.crash_report import write_crash_report

            raise Failure.of(write_crash_report(error)) from error
