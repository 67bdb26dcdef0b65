"""Command-line options and parameter types that several commands share."""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path
from typing import Any

import click

from rm_local.lora import LoraAdapter, parse_lora

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")

EVERY_KIND = click.option(
    "--all", "every", is_flag=True, help="Embedders, projectors and other kinds too."
)

PATH = click.Path(path_type=Path)
"""Parameter type: any path; the command checks it."""


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
        return tuple(map(parse_lora, texts))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from None


LORA = click.option(
    "--lora",
    callback=_parse_adapters,
    multiple=True,
    metavar="FILE[:SCALE]",
    help="LoRA adapter (GGUF) to load the model with; can be given several times. SCALE is a "
    "number, by default 1; 0 = not used. Replaces those in the settings.",
)


class _InputPath(click.Path):
    """Parameter type: a path to read; `-` is standard input, `./-` a file called `-`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path; `./-` becomes absolute, to differ from standard input."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        return path.absolute() if path == Path("-") and os.fspath(value) != "-" else path


INPUT = _InputPath(path_type=Path, allow_dash=True)
"""Parameter type: a file to read, checked by the command; `-` is standard input."""

FILE = click.Path(path_type=Path, dir_okay=False)
"""Parameter type: a path that is no folder; the file need not exist."""

EXISTING_FILE = _InputPath(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
"""Parameter type: an existing file to read, checked by click; `-` is standard input."""


class _ModelPath(click.Path):
    """Parameter type: the name of a model, or its path; with a separator it is always a path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value to a path; `./rm-small` becomes absolute, to differ from the name."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        written = os.fsdecode(value)
        has_separator = os.sep in written or bool(os.altsep and os.altsep in written)
        return path.absolute() if has_separator and not written.startswith("~") else path


MODEL_PATH = _ModelPath(path_type=Path)
"""Parameter type: the name or the path of a model, checked by the command."""
