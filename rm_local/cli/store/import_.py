"""`rm-local store export | import`: entries out of a store as JSON Lines, and into one."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from rm_local.cli.context import STORE, Opening
from rm_local.cli.store.common import JSON, ended_by_sigterm, own_path, path_of, telling

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--out", type=FILE, help="File to write, packed if it ends in .zst or .gz.")
@click.option("--vectors", type=FILE, metavar="FILE.npy", help="File for the entries' vectors.")
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
    from rm_local.store.exchange.export import VectorFile, written
    from rm_local.store.exchange.export import export as write
    from rm_local.store.request import EntryFilter
    from rm_local.store.rewrite.store_source import Held

    if vectors and out and vectors.absolute() == out.absolute():
        raise UsageError("--out and --vectors name one file.", "Name two.")
    with ExitStack() as files, telling() as tell:
        held = files.enter_context(Held.of(path_of(opening, store)))
        rows = None
        if vectors:
            rows = VectorFile(files.enter_context(written(vectors)), held.embedder.dimension)
        lines: BinaryIO = sys.stdout.buffer
        if out:
            lines = files.enter_context(written(out))
        filter = EntryFilter(domain, source, level)
        count = write(held, lines, rows, filter=filter, ids=ids, tell=lambda *n: tell("export", *n))
        if rows:
            rows.finish()
        lines.flush()
    click.echo(f"{count:,} entries written.", err=True)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option(
    "--embeddings",
    type=FILE,
    metavar="FILE.npy",
    help="Vectors of the subproblems by the store's embedder, a row for each entry.",
)
@JSON
@STORE
@click.pass_obj
def take_in(
    opening: Opening,
    files: tuple[Path, ...],
    embeddings: Path | None,
    as_data: bool,
    store: Path | None,
) -> None:
    """Add the entries of FILEs, one JSON object a line, to a store.

    All files are read and checked before anything is written; they may be packed (.zst, .gz).
    - is standard input; what comes through a pipe is copied to the cache folder meanwhile.
    Entries are embedded with the store's own embedder. Those that it holds already, word for
    word, are passed over, so that the command can be given again after a stop.
    """
    from rm_local.ingest.import_files import import_files
    from rm_local.store.exchange.import_entries import Taken

    path, taken = own_path(opening, store), Taken()
    try:
        with ended_by_sigterm(), telling() as tell:
            import_files(path, files, embeddings, tell, taken)
    except KeyboardInterrupt:
        click.echo(f"Stopped, with {taken.added:,} added. The same command goes on.", err=True)
        raise
    if as_data:
        click.echo(json.dumps({"path": str(path), "added": taken.added, "there": taken.there}))
    else:
        click.echo(f"{path}: {taken.added:,} added, {taken.there:,} were there already.")
