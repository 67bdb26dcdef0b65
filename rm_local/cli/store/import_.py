"""`rm-local store import`: adds entries from files to a store."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rm_local.cli.context import STORE_TO_CHANGE, CliContext, print_notice_as_warning
from rm_local.cli.options import INPUT, JSON
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import exit_on_sigterm, resolve_store_to_change


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=INPUT, metavar="FILE...")
@click.option(
    "--embeddings",
    type=INPUT,
    metavar="FILE.npy",
    help="Vectors of the subproblems by the store's embedder, a row for each entry.",
)
@JSON
@STORE_TO_CHANGE
@click.pass_obj
def import_files(
    context: CliContext,
    files: tuple[Path, ...],
    embeddings: Path | None,
    as_data: bool,
    stores: tuple[Path, ...],
) -> None:
    """Add the entries of FILEs, one JSON object a line, to your own store, or to the one named.

    Your own store is made by the first import. It is searched together with the shipped store.

    All files are read and checked before anything is written; they may be compressed (.zst, .gz).
    - is standard input; the contents of a pipe are copied to the cache folder meanwhile. Entries
    are embedded with the store's own embedder. Entries that the store has already, word for word,
    are skipped. To continue an import that was stopped, run the same command again.
    """
    from rm_local.ingest import import_new_entries_from_files
    from rm_local.store import ImportCounts

    path, taken = resolve_store_to_change(context, stores, may_make=True), ImportCounts()
    try:
        with exit_on_sigterm(), open_progress_printer() as report:
            import_new_entries_from_files(
                path, files, embeddings, report, taken, notify=print_notice_as_warning
            )
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
