"""`rm-local store export`: entries out of a store, as JSON Lines."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from rm_local.cli.context import STORE, Opening
from rm_local.cli.options import PATH
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import store_path


@click.command()
@click.option("--out", type=PATH, help="File to write, packed if it ends in .zst or .gz.")
@click.option("--vectors", type=PATH, metavar="FILE.npy", help="File for the entries' vectors.")
@click.option("--domain", help="Only entries of this domain.")
@click.option("--source", help="Only entries from this source.")
@click.option("--level", help="Only entries of this level.")
@click.option("--ids", is_flag=True, help="With each entry's id.")
@STORE
@click.pass_obj
def export(
    opening: Opening,
    out: Path | None,
    vectors: Path | None,
    domain: str | None,
    source: str | None,
    level: str | None,
    ids: bool,
    store: Path | None,
) -> None:
    """Write a store's entries as JSON Lines, in order of id.

    To standard output, or to a file, which is there whole or not at all. Vectors are float32, a
    row for each line, in the precision of the store's codes.
    """
    from rm_local.errors import UsageError
    from rm_local.store import (
        EntryFilter,
        StoreSource,
        VectorWriter,
        export_entries as write,
        open_output,
    )

    if vectors and out and vectors.absolute() == out.absolute():
        raise UsageError("--out and --vectors name one file.", "Name two.")
    with ExitStack() as files, print_progress() as report:
        held = files.enter_context(StoreSource.open(store_path(opening, store)))
        rows = None
        if vectors:
            rows = VectorWriter(files.enter_context(open_output(vectors)), held.embedder.dimension)
        lines: BinaryIO = sys.stdout.buffer
        if out:
            lines = files.enter_context(open_output(out))
        filter = EntryFilter(domain, source, level)
        count = write(held, lines, rows, filter=filter, ids=ids, report=report)
        if rows:
            rows.finish_header()
        lines.flush()
    click.echo(f"{count:,} entries written.", err=True)
