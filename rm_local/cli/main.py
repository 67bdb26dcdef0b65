"""The `rm-local` command: it opens the app, or runs one of its subcommands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from rm_local import __version__
from rm_local.address_space import reduce_threads_and_memory_if_limited
from rm_local.cli.context import MODEL, STORES, CliContext, check_plan_setting
from rm_local.cli.lazy_group import CommandGroup
from rm_local.cli.options import LORA
from rm_local.cli.signals import install_exit_signal_handlers
from rm_local.cli.silence import silence_libraries, silence_loggers_without_handlers
from rm_local.cli.streams import (
    FAILED,
    has_stdout_write_failed,
    open_drawing_stream,
    replace_standard_streams,
)
from rm_local.errors import is_caused_by_memory_shortage, make_memory_error
from rm_local.lora import LoraAdapter

COMMANDS = {
    "ask": "rm_local.cli.ask:ask",
    "search": "rm_local.cli.search:search",
    "sessions": "rm_local.cli.sessions:sessions",
    "models": "rm_local.cli.models:models",
    "store": "rm_local.cli.store:store",
    "doctor": "rm_local.cli.doctor:doctor",
}
HELP_NAMES = {"help_option_names": ["-h", "--help"]}


@click.group(
    cls=CommandGroup, lazy=COMMANDS, invoke_without_command=True, context_settings=HELP_NAMES
)
@MODEL
@LORA
@STORES
@click.version_option(__version__, "-V", "--version", message="rm-local %(version)s")
@click.pass_context
def cli(
    ctx: click.Context, model: Path | None, lora: tuple[LoraAdapter, ...], stores: tuple[Path, ...]
) -> None:
    """Answer questions with a local model and a store of procedures, offline.

    Without a command the app opens. The model names the subproblem of your question, finds
    procedures for it in a store on your disk, and reasons with several of them.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 model or engine,
    4 store, 130 interrupted.
    """
    silence_loggers_without_handlers()
    ctx.obj = CliContext(model, stores, lora)
    if ctx.invoked_subcommand is None:
        ctx.exit(run_app_until_quit(ctx.obj))


def run_app_until_quit(context: CliContext) -> int:
    """Run the Textual app until the user quits; return its exit code.

    Raises:
        UsageError: Standard input or output is not a terminal, or the terminal cannot be drawn on.
    """
    from rm_local.cli.terminal import (
        CANNOT_DRAW,
        describe_term_variable,
        does_term_support_escape_codes,
        is_terminal,
    )
    from rm_local.errors import UsageError

    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise UsageError("The app needs a terminal.", 'Without one, use: rm-local ask "..."')
    if not does_term_support_escape_codes():
        message = f"The terminal ({describe_term_variable()}) does not understand escape codes."
        raise UsageError(message, f'{CANNOT_DRAW} For example: rm-local ask "..."')
    sys.__stderr__ = open_drawing_stream()  # type: ignore[misc,assignment]  # Textual draws on it
    from rm_local.tui import RmLocalApp

    settings = context.load_settings()
    check_plan_setting(settings)
    app = RmLocalApp(
        context.new_runtime(), plan=settings.plan, thinking=settings.thinking, theme=settings.theme
    )
    app.run()
    return app.return_code or 0


def main() -> None:
    """Run the installed command `rm-local`."""
    replace_standard_streams()
    install_exit_signal_handlers()
    reduce_threads_and_memory_if_limited()
    silence_libraries()
    try:
        cli(prog_name="rm-local")
    except SystemExit as end:
        if has_stdout_write_failed() and not end.code:
            sys.exit(FAILED)
        raise
    except Exception as error:
        # Without memory, click's group may fail before it can report that.
        if not is_caused_by_memory_shortage(error):
            raise
        reported = make_memory_error()
        os.write(2, f"error: {reported.message}\n  {reported.remedy}\n".encode())
        sys.exit(reported.exit_code)
