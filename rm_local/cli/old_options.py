"""Accepts old names of commands and options, and prints a notice for each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

import click

from rm_local.old_names import COMMANDS, OPTIONS, RenamedWarning, warn_and_replace_old_name


def warn_and_replace_command_if_old(group: str, name: str) -> str:
    """Return the present name of the command `name` of a group; warn if `name` is an old name."""
    return warn_and_replace_old_name(COMMANDS.get(group, {}), name)


def build_old_options_context_settings(command: str) -> dict[str, Callable[[str], str]]:
    """Return the `context_settings` with which `command` also accepts old names of its options.

    The help of the command shows only the present names.
    """
    return {
        "token_normalize_func": partial(warn_and_replace_old_name, OPTIONS[command], form="--{}")
    }


@contextmanager
def print_each_renamed_warning_once() -> Iterator[None]:
    """Print each `RenamedWarning` of the `with` body once, as a line on standard error."""
    printed: set[str] = set()
    with warnings.catch_warnings():
        show_other = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, RenamedWarning):
                show_other(message, category, filename, lineno, file, line)
            elif str(message) not in printed:
                printed.add(str(message))
                click.echo(str(message), err=True)

        warnings.simplefilter("always", RenamedWarning)
        warnings.showwarning = show
        yield
