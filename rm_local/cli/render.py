"""Formats similarities as bars, statistics of a prefill as text, and lines that are redrawn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rm_local.records import PrefillStats


def format_share_bar(share: float, width: int = 10) -> str:
    """Return a bar of `width` characters for a share or a similarity: full at 1, empty at 0."""
    full, rest = divmod(round(max(0.0, min(1.0, share)) * width * 8), 8)
    part = chr(0x2590 - rest) if rest else ""
    return ("█" * full + part).ljust(width, "░")


def describe_prefill(reading: PrefillStats) -> str:
    """Describe how many tokens were evaluated before the first text, and the time it took."""
    late = reading.prompt_last + reading.hints_read
    apart = f"{reading.apart_read} to name the subproblem; " if reading.apart_read else ""
    return (
        f"{apart}prompt of {reading.prompt} tokens, {reading.prompt_read} of them new; "
        f"{late} for the branches in {reading.hints_seconds:.2f} s; "
        f"first text after {reading.first_token_seconds:.2f} s"
    )


def unstyle_and_cut_to_terminal_width(text: str) -> str:
    """Return `text` without styles, cut so that the last cell of a terminal's line stays empty.

    A character of Chinese, Japanese or Korean takes two cells. In a full line some terminals move
    the cursor to the next one.
    """
    from rich.cells import set_cell_size  # costs 10 ms, and only terminals need it

    plain = click.unstyle(text)
    room = max(shutil.get_terminal_size().columns - 1, 0)
    return set_cell_size(plain, room).rstrip() if len(plain) * 2 > room else plain


def count_cells(text: str) -> int:
    """Count the cells that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad_to_cells(text: str, width: int, *, right: bool = False) -> str:
    """Pad `text` with blanks to `width` cells, in front of it with `right`."""
    blanks = " " * max(0, width - count_cells(text))
    return blanks + text if right else text + blanks


def wrap_to_cells(line: str, width: int, indent: str = "") -> Iterator[str]:
    """Yield the lines, at most `width` cells wide, of a line whose head is as long as `indent`.

    The first line keeps the head (a list's mark, or blanks); `indent` begins each other one.
    Words that are longer than a line are split: Chinese and Japanese have no blanks between words.
    """
    from rich.console import Console
    from rich.text import Text

    room = width - len(indent)
    head, words = line[: len(indent)], line[len(indent) :]
    for number, part in enumerate(Text(words).wrap(Console(width=room), room)):
        yield (indent if number else head) + part.plain.rstrip()
