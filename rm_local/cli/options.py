"""Options and types of arguments that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

JSON = click.option("--json", "as_data", is_flag=True, help="One JSON object.")

PATH = click.Path(path_type=Path)
"""Whatever is there; the command itself says what is wrong with it."""

INPUT = click.Path(path_type=Path, allow_dash=True)
"""A file to read; `-` is standard input."""

FILE = click.Path(path_type=Path, dir_okay=False)
"""A file that need not exist."""

EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
"""A file to read, which click checks; `-` is standard input."""
