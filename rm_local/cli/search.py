"""`rm-local search`: finds the entries nearest to a text, without loading a language model."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, CliContext, print_notices_then_close, read_text_argument
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import FiniteRange
from rm_local.cli.render import format_similarity_bar

if TYPE_CHECKING:
    from rm_local.records import Hit
    from rm_local.runtime import Runtime
    from rm_local.store import EntryFilter

INDENT = " " * 18
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
@click.option("--full", is_flag=True, help="With each hit's subroutine.")
@click.option("--json", "as_data", is_flag=True, help="One JSON object with all hits.")
@STORE
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
    store: Path | None,
) -> None:
    """Show the entries nearest to TEXT, or to the text on standard input, best first."""
    import asyncio

    from rm_local.store import EntryFilter

    wanted = read_text_argument(text, "text", EXAMPLE)
    filter = EntryFilter(domain, source, level)
    runtime = context.with_overrides(store=store).new_runtime()
    hits = asyncio.run(_search_then_close(runtime, wanted, number, filter, breadth=breadth))
    if as_data:
        from rm_local.loop import hit_as_json

        click.echo(json.dumps({"hits": [hit_as_json(hit) for hit in hits]}))
        return
    for hit in hits:
        click.echo(format_hit(hit, full=full))
    if not hits:
        click.echo("The store holds no such entry.", err=True)


async def _search_then_close(
    runtime: Runtime, text: str, number: int, filter: EntryFilter, breadth: float
) -> tuple[Hit, ...]:
    """Search for at most `number` hits, print the notices, and close the runtime."""
    async with print_notices_then_close(runtime):
        return await runtime.search(text, number, filter=filter, breadth=breadth)


def format_hit(hit: Hit, *, full: bool) -> str:
    """Format a hit as two lines; with `full` the wrapped text of its subroutine follows."""
    from rm_local.text import one_line, sanitize_text

    entry = hit.entry
    title = click.style(one_line(entry.subproblem), bold=True)
    origin = f"entry {entry.id}  {one_line(entry.domain)}  {one_line(entry.source)}"
    lines = [
        f"{format_similarity_bar(hit.similarity)} {hit.similarity:5.2f}  {title}",
        INDENT + click.style(origin, dim=True),
    ]
    if full:
        width = max(40, min(100, shutil.get_terminal_size().columns))
        text = sanitize_text(entry.subroutine)
        lines += [*textwrap.wrap(text, width, initial_indent=INDENT, subsequent_indent=INDENT), ""]
    return "\n".join(lines)
