"""`rm-local store export`: writes a store's entries as JSON Lines."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from rm_local.cli.context import STORE, CliContext
from rm_local.cli.options import PATH
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import resolve_store_path


@click.command("export")
@click.option("--out", type=PATH, help="File to write, compressed if it ends in .zst or .gz.")
@click.option("--vectors", type=PATH, metavar="FILE.npy", help="File for the entries' vectors.")
@click.option("--domain", help="Only entries of this domain.")
@click.option("--source", help="Only entries from this source.")
@click.option("--level", help="Only entries of this level.")
@click.option("--ids", is_flag=True, help="Include each entry's id.")
@STORE
@click.pass_obj
def export_store(
    context: CliContext,
    out: Path | None,
    vectors: Path | None,
    domain: str | None,
    source: str | None,
    level: str | None,
    ids: bool,
    store: Path | None,
) -> None:
    """Write a store's entries as JSON Lines, in order of id.

    They go to standard output, or to a file, which appears only when it is complete. Vectors are
    float32, one row for each line, with the precision of the store's codes.
    """
    from rm_local.errors import UsageError
    from rm_local.store import (
        EntryFilter,
        StoreSource,
        VectorWriter,
        export_entries as write,
        open_new_output_file,
    )

    if vectors and out and vectors.absolute() == out.absolute():
        raise UsageError("--out and --vectors name the same file.", "Name two files.")
    with ExitStack() as files, print_progress() as report:
        held = files.enter_context(StoreSource.open(resolve_store_path(context, store)))
        rows = None
        if vectors:
            rows = VectorWriter(
                files.enter_context(open_new_output_file(vectors)), held.embedder.dimension
            )
        lines: BinaryIO = sys.stdout.buffer
        if out:
            lines = files.enter_context(open_new_output_file(out))
        filter = EntryFilter(domain, source, level)
        count = write(held, lines, rows, filter=filter, ids=ids, report=report)
        if rows:
            rows.finish_header()
        lines.flush()
    click.echo(f"{count:,} entries written.", err=True)
