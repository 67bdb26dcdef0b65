"""`rm-local store import`: adds entries from files to a store."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.context import STORE, CliContext
from rm_local.cli.options import INPUT, JSON
from rm_local.cli.progress import print_progress
from rm_local.cli.store.common import exit_on_sigterm, require_named_store_path


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=INPUT, metavar="FILE...")
@click.option(
    "--embeddings",
    type=INPUT,
    metavar="FILE.npy",
    help="Vectors of the subproblems by the store's embedder, a row for each entry.",
)
@JSON
@STORE
@click.pass_obj
def import_files(
    context: CliContext,
    files: tuple[Path, ...],
    embeddings: Path | None,
    as_data: bool,
    store: Path | None,
) -> None:
    """Add the entries of FILEs, one JSON object a line, to a store.

    All files are read and checked before anything is written; they may be compressed (.zst, .gz).
    - is standard input; the contents of a pipe are copied to the cache folder meanwhile. Entries
    are embedded with the store's own embedder. Entries that the store has already, word for word,
    are skipped. To continue an import that was stopped, run the same command again.
    """
    from rm_local.ingest import import_from_files
    from rm_local.store import ImportResult

    path, taken = require_named_store_path(context, store), ImportResult()
    try:
        with exit_on_sigterm(), print_progress() as report:
            import_from_files(path, files, embeddings, report, taken)
    except KeyboardInterrupt:
        click.echo(
            f"Stopped, with {taken.added:,} added. Run the same command again to continue.",
            err=True,
        )
        raise
    if as_data:
        click.echo(json.dumps({"path": str(path), "added": taken.added, "there": taken.there}))
    else:
        click.echo(f"{path}: {taken.added:,} added, {taken.there:,} were there already.")
