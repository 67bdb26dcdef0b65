"""Command-line options and parameter types that several commands share."""

from __future__ import annotations

import os
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import click

from rm_local.errors import UnknownHomeError
from rm_local.home import expand_user_path
from rm_local.lora import LoraAdapter, parse_lora

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")

EVERY_KIND = click.option(
    "--all", "every", is_flag=True, help="Embedders, projectors and other kinds too."
)

STDOUT_NAME = "-"
_STDOUT_PATHS = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


class _HomeExpandedPath(click.Path):
    """Parameter type: a path that may begin with `~` or `~user`, as in `--store=~/my.rms`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path, with a home folder in place of a leading `~`."""
        text = os.fsdecode(value)
        try:
            path = expand_user_path(text)
        except UnknownHomeError as error:
            self.fail(f"{error.message} {error.remedy}", param, ctx)
        expanded = path.is_absolute() and not os.path.isabs(text)
        return super().convert(os.fspath(path) if expanded else value, param, ctx)


class _PathOrStdout(_HomeExpandedPath):
    """Parameter type: a file to write; `./-` is a file called `-`.

    `-` is standard output, and so are its names on Unix, such as `/dev/stdout`.

    `streamed`: the command can write to standard output, and gets None for `-`.
    """

    def __init__(self, *, streamed: bool = False, **options: Any) -> None:
        super().__init__(path_type=Path, **options)
        self.name = "file"
        self._streamed = streamed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path, or a name of standard output to None."""
        if os.fsdecode(value) not in (STDOUT_NAME, *_STDOUT_PATHS):
            return super().convert(value, param, ctx)
        if not self._streamed:
            self.fail("This cannot be written to standard output. Name a file.", param, ctx)
        return None


PATH = _HomeExpandedPath(path_type=Path)
"""Parameter type: any path; the command checks it."""

OUTPUT = _PathOrStdout()
"""Parameter type: a file to write that cannot be standard output."""

STREAM_OUTPUT = _PathOrStdout(streamed=True)
"""Parameter type: a file to write; None for `-`, which is standard output."""

FOLDER = _HomeExpandedPath(path_type=Path, file_okay=False, exists=True)
"""Parameter type: an existing folder, checked by click."""


class FiniteRange(click.FloatRange):
    """Parameter type: a number within bounds, and not NaN, which click's own type accepts."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a number; fail if it is out of bounds or not finite."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def _parse_adapters(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[LoraAdapter, ...]:
    """Parse the values of the option `--lora`, each `FILE` or `FILE:SCALE`."""
    try:
        return tuple(_expand_adapter_path(parse_lora(text)) for text in texts)
    except UnknownHomeError as error:
        raise click.BadParameter(f"{error.message} {error.remedy}", ctx, param) from None
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from None


def _expand_adapter_path(adapter: LoraAdapter) -> LoraAdapter:
    """Return the adapter with the home folder in place of a leading `~` in its path."""
    return replace(adapter, path=str(expand_user_path(adapter.path)))


LORA = click.option(
    "--lora",
    callback=_parse_adapters,
    multiple=True,
    metavar="FILE[:SCALE]",
    help="LoRA adapter (GGUF) to load the model with; can be given several times. SCALE is a "
    "number, by default 1; 0 = not used. Replaces those in the settings.",
)


class _PathOrStdin(_HomeExpandedPath):
    """Parameter type: a path to read; `-` is standard input, `./-` a file called `-`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path; `./-` becomes absolute, to differ from standard input."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        return path.absolute() if path == Path("-") and os.fspath(value) != "-" else path


INPUT = _PathOrStdin(path_type=Path, allow_dash=True)
"""Parameter type: a file to read, checked by the command; `-` is standard input."""

FILE = _HomeExpandedPath(path_type=Path, dir_okay=False)
"""Parameter type: a path that is no folder; the file need not exist."""

EXISTING_FILE = _PathOrStdin(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
"""Parameter type: an existing file to read, checked by click; `-` is standard input."""


class _ModelNameOrPath(_HomeExpandedPath):
    """Parameter type: the name of a model, or its path; with a separator it is always a path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path; `./rm-small` becomes absolute, to differ from the name."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        return path.absolute() if os.path.dirname(os.fsdecode(value)) else path


MODEL_PATH = _ModelNameOrPath(path_type=Path)
"""Parameter type: the name or the path of a model, checked by the command."""
