"""A click group that imports a command only when it runs, and reports its errors."""

from __future__ import annotations

import os
from contextlib import nullcontext
from importlib import import_module
from typing import IO, Any

import click

from rm_local.cli.old_options import (
    print_each_renamed_warning_once,
    warn_and_replace_command_if_old,
)
from rm_local.cli.terminal import does_term_support_escape_codes
from rm_local.errors import (
    CancelledByUserError,
    RmLocalError,
    is_caused_by_memory_shortage,
    make_memory_error,
)


class ReportedError(click.ClickException):
    """Exception that makes click print a message and a remedy, and exit with an exit code."""

    def __init__(self, message: str, remedy: str, exit_code: int) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    @classmethod
    def from_error(cls, error: RmLocalError) -> ReportedError:
        """Create the exception that makes click report `error`."""
        return cls(error.message, error.remedy, error.exit_code)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write message and remedy to standard error, without control characters."""
        from rm_local.text import sanitize_for_terminal

        head = click.style("error:", fg="red")
        click.echo(f"{head} {sanitize_for_terminal(self.message)}", err=True, color=self.show_color)
        if self.remedy:
            click.echo(f"  {sanitize_for_terminal(self.remedy)}", err=True, color=self.show_color)


class SuggestingGroup(click.Group):
    """A group that suggests what was meant by an unknown command or option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options of the group itself."""
        given = [*args]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise make_unknown_option_error(error, [] if ctx.parent else given) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with."""
        command = self.get_command(ctx, args[0])
        if command is not None or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from rm_local.cli.suggestions import describe_unknown_command

        raise click.UsageError(describe_unknown_command(self, ctx, args), ctx)


def make_unknown_option_error(error: click.NoSuchOption, args: list[str]) -> click.UsageError:
    """Return the error of an unknown option with what was meant.

    `args` are the arguments of the program, if they are known.
    """
    from rm_local.cli.suggestions import describe_unknown_option

    return click.UsageError(describe_unknown_option(error, args), error.ctx)


class CommandGroup(SuggestingGroup):
    """A group of commands, each imported when it is run.

    It also turns errors into messages and exit codes, writes a crash report for an unexpected
    error, and translates old command names. `lazy` maps the name of a command to
    `module:attribute`.
    """

    def __init__(self, *args: Any, lazy: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of `lazy`."""
        return [*self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command with this name, and return it; None if it is unknown.

        An old name is accepted with a warning.
        """
        cmd_name = warn_and_replace_command_if_old(self.name or "", cmd_name)
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name].split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every error becomes a message and an exit code."""
        if os.environ.get("NO_COLOR") or not does_term_support_escape_codes():
            ctx.color = False
        try:
            with nullcontext() if ctx.parent else print_each_renamed_warning_once():
                return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise make_unknown_option_error(error, []) from None
        except RmLocalError as error:
            raise ReportedError.from_error(error) from error
        except KeyboardInterrupt:
            ctx.exit(CancelledByUserError.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if is_caused_by_memory_shortage(error):
                raise ReportedError.from_error(make_memory_error()) from error
            from rm_local.cli.crash_report import write_crash_report
            from rm_local.cli.os_errors import translate_os_error

            explained = translate_os_error(error) if isinstance(error, OSError) else None
            if explained:
                raise ReportedError.from_error(explained) from error
            raise ReportedError.from_error(write_crash_report(error)) from error
