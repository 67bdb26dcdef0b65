"""`rm-local store export`: writes a store's entries as JSON Lines."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from rm_local.cli.context import STORES, CliContext
from rm_local.cli.options import OUTPUT, STREAM_OUTPUT
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import list_stores_to_read


@click.command("export")
@click.option(
    "--out", type=STREAM_OUTPUT, help="File to write, compressed if it ends in .zst or .gz."
)
@click.option("--vectors", type=OUTPUT, metavar="FILE.npy", help="File for the entries' vectors.")
@click.option("--domain", help="Only entries of this domain.")
@click.option("--source", help="Only entries from this source.")
@click.option("--level", help="Only entries of this level.")
@click.option("--ids", is_flag=True, help="Include each entry's id.")
@STORES
@click.pass_obj
def export_store(
    context: CliContext,
    out: Path | None,
    vectors: Path | None,
    domain: str | None,
    source: str | None,
    level: str | None,
    ids: bool,
    stores: tuple[Path, ...],
) -> None:
    """Write the entries of the stores that are searched as JSON Lines, in order of store and id.

    They go to standard output, or to a file, which appears only when it is complete. Vectors are
    float32, one row for each line, with the precision of the store's codes.
    """
    from rm_local.active_stores import name_stores
    from rm_local.errors import UsageError
    from rm_local.store import (
        EntryFilter,
        NpyVectorWriter,
        StoreEntrySource,
        export_entries as write,
        open_new_output_file,
    )

    if vectors and out and vectors.absolute() == out.absolute():
        raise UsageError("--out and --vectors name the same file.", "Name two files.")
    with ExitStack() as files, open_progress_printer() as report:
        paths = list_stores_to_read(context, stores)
        held = [files.enter_context(StoreEntrySource.open(path)) for path in paths]
        rows = None
        if vectors:
            if any(each.embedder != held[0].embedder for each in held):
                raise UsageError("The stores have different embedders.", "Name one: --store FILE.")
            dimension = held[0].embedder.dimension
            rows = NpyVectorWriter(files.enter_context(open_new_output_file(vectors)), dimension)
        lines: BinaryIO = sys.stdout.buffer
        if out:
            lines = files.enter_context(open_new_output_file(out))
        filter = EntryFilter(domain, source, level)
        names = name_stores(paths) if len(paths) > 1 else ("",)
        count = sum(
            write(each, lines, rows, filter=filter, ids=ids, name=name, report=report)
            for each, name in zip(held, names, strict=True)
        )
        if rows:
            rows.finish_header()
        lines.flush()
    click.echo(f"{count:,} entries written.", err=True)
