"""`rm-local store build`: builds a store from files of entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local import limits
from rm_local.cli.context import print_notice_as_warning
from rm_local.cli.options import INPUT, JSON, OUTPUT, PATH
from rm_local.cli.progress import open_progress_printer
from rm_local.cli.store.common import RESUMABLE

if TYPE_CHECKING:
    from rm_local.embed import EmbedderChoice


@click.command()
@click.argument("files", nargs=-1, required=True, type=INPUT, metavar="FILE...")
@click.option("--out", required=True, type=OUTPUT, help="The new store.")
@click.option(
    "--embedder",
    default="minilm",
    show_default=True,
    metavar="NAME",
    help="minilm; static, fast enough for millions without a GPU; or a sentence-transformers model "
    "by its folder or its name on Hugging Face, whose store rm-local itself cannot search.",
)
@click.option(
    "--embeddings",
    type=PATH,
    metavar="FILE.npy",
    help="Vectors of the subproblems, a row for each entry, made with --embedder.",
)
@click.option(
    "--dimension",
    type=click.IntRange(8, limits.MOST_DIMENSIONS),
    help="Cut vectors to this many components; only for a model that was trained for it.",
)
@JSON
def build(
    files: tuple[Path, ...],
    out: Path,
    embedder: str,
    embeddings: Path | None,
    dimension: int | None,
    as_data: bool,
) -> None:
    """Build a store from FILEs of entries, one JSON object a line.

    Each has "subproblem" and "subroutine", and may have "domain", "source", "level" and
    "provenance"; other names are ignored. Files may be compressed (.zst, .gz); - is standard
    input. To continue a build that was stopped, run the same command again.
    """
    from rm_local.embed import find_or_download_embedder

    _build_store_and_print_progress(
        files, out, find_or_download_embedder(embedder, dimension), embeddings
    )
    from rm_local.store import Store

    with Store.open(out) as store:
        entries = store.count_entries()
    built = {"path": str(out), "entries": entries, "bytes": out.stat().st_size}
    click.echo(
        json.dumps(built) if as_data else f"{out}: {entries:,} entries, {built['bytes']:,} bytes."
    )


def _build_store_and_print_progress(
    files: tuple[Path, ...], out: Path, chosen: EmbedderChoice, embeddings: Path | None
) -> None:
    """Build the store with printed progress; after an interrupt, print how to continue."""
    from rm_local.ingest import build_from_files

    try:
        with open_progress_printer() as report:
            build_from_files(files, out, chosen, embeddings, report, print_notice_as_warning)
    except KeyboardInterrupt:
        click.echo(RESUMABLE, err=True)
        raise
