"""`rm-local search`: finds the entries nearest to a text, without loading a language model."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import (
    STORES,
    CliContext,
    clean_if_stdout_is_terminal,
    join_argument_or_read_stdin,
    print_notices_then_close,
    print_text_safely,
)
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import FiniteRange
from rm_local.cli.render import count_cells, format_share_bar, wrap_to_cells
from rm_local.cli.terminal import is_terminal

if TYPE_CHECKING:
    from rm_local.records import Hit
    from rm_local.runtime import Runtime
    from rm_local.store import EntryFilter

INDENT = " " * 18
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_VERBATIM = re.compile(r" {4}(?! *(?:[-*+]|\d+[.)]) )| *\|")
"""Beginning of a line of code, except an item of an inner list, or of a row of a table."""
_LIST_ITEM = re.compile(r" *(?:(?:[-*+]|\d+[.)]) +)?")
EXAMPLE = 'rm-local search "how do I add fractions"'


@click.command(context_settings=build_old_options_context_settings("search"))
@click.argument("text", nargs=-1)
@click.option(
    "-k", "number", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most hits."
)
@click.option("--domain", help="Only entries of this domain.")
@click.option("--source", help="Only entries of this source.")
@click.option("--level", help="Only entries of this level.")
@click.option(
    "--breadth",
    type=FiniteRange(0.1, 16),
    default=1.0,
    show_default=True,
    help="How much of the store to look at: more finds more, in more time.",
)
@click.option(
    "--full",
    is_flag=True,
    help="With each hit's subroutine: wrapped on a terminal, otherwise exactly as it is stored.",
)
@click.option("--json", "as_data", is_flag=True, help="One JSON object with all hits.")
@STORES
@click.pass_obj
def search(
    context: CliContext,
    text: tuple[str, ...],
    number: int,
    domain: str | None,
    source: str | None,
    level: str | None,
    breadth: float,
    full: bool,
    as_data: bool,
    stores: tuple[Path, ...],
) -> None:
    """Show the entries nearest to TEXT, or to the text on standard input, best first.

    The bar and the number are the score that sorts: the similarity, and up to 0.3 for rare words of
    TEXT that the entry contains. Both stand in the second line of each hit.
    """
    import asyncio

    from rm_local.store import EntryFilter

    wanted = join_argument_or_read_stdin(text, "text", EXAMPLE)
    filter = EntryFilter(domain, source, level)
    runtime = context.with_overrides(stores=stores).new_runtime()
    hits = asyncio.run(
        _search_print_notices_and_close(runtime, wanted, number, filter, breadth=breadth)
    )
    if as_data:
        from rm_local.loop import hit_as_json

        click.echo(
            json.dumps({"hits": [hit_as_json(h) | {"score": _compute_sort_score(h)} for h in hits]})
        )
        return
    for hit in hits:
        click.echo(format_hit_in_two_lines(hit))
        if full:
            _print_subroutine(hit.entry.subroutine)
    if not hits:
        click.echo("The store holds no such entry.", err=True)


async def _search_print_notices_and_close(
    runtime: Runtime, text: str, number: int, filter: EntryFilter, breadth: float
) -> tuple[Hit, ...]:
    """Search for at most `number` hits, print the notices, and close the runtime."""
    async with print_notices_then_close(runtime):
        return await runtime.search(text, number, filter=filter, breadth=breadth)


def format_hit_in_two_lines(hit: Hit) -> str:
    """Format a hit as two lines."""
    from rm_local.text import one_line

    entry, score = hit.entry, _compute_sort_score(hit)
    title = click.style(one_line(entry.subproblem), bold=True)
    number = f"entry {entry.id}" + (f" of {one_line(hit.store)}" if hit.store else "")
    origin = f"{number}  {one_line(entry.domain)}  {one_line(entry.source)}"
    words = f", words: {one_line(', '.join(hit.words))}" if hit.words else ""
    reason = f"similarity {hit.similarity:.2f}{words}"
    lines = [
        f"{format_share_bar(score)} {score:5.2f}  {title}",
        INDENT + click.style(f"{origin}  {reason}", dim=True),
    ]
    return "\n".join(lines)


def _print_subroutine(text: str) -> None:
    """Print the text of a subroutine and a blank line: wrapped on a terminal, else as it is."""
    if is_terminal(sys.stdout):
        width = max(40, min(100, shutil.get_terminal_size().columns)) - len(INDENT)
        wrapped = wrap_prose_but_not_code(clean_if_stdout_is_terminal(text), width)
        text = "\n".join((INDENT + line).rstrip() for line in wrapped)
    print_text_safely(text)
    click.echo()


def _compute_sort_score(hit: Hit) -> float:
    """Return the score by which the store sorts hits."""
    from rm_local.store import fuse_scores

    return float(fuse_scores(hit.similarity, hit.lexical))


def wrap_prose_but_not_code(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text; lines of prose and lists that are too long are wrapped.

    Code, in fences or indented, and rows of tables stay as they are.
    """
    fence = ""
    for line in text.strip("\n").expandtabs(4).split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
        if mark or fence or count_cells(line) <= width or _VERBATIM.match(line):
            yield line
            continue
        head = _LIST_ITEM.match(line)
        indent = " " * (len(head[0]) if head else 0)
        if count_cells(line) == len(line):
            yield from textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False)
        else:
            yield from wrap_to_cells(line, width, indent)
