"""`rm-local store generate`: writes a synthetic corpus of any size, the same for the same seed."""

from __future__ import annotations

import hashlib
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from rm_local import limits
from rm_local.cli.options import OUTPUT, STREAM_OUTPUT
from rm_local.cli.progress import open_progress_printer


@click.command()
@click.option(
    "--rows", type=click.IntRange(1, 100_000_000), required=True, help="Number of entries."
)
@click.option("--seed", type=click.IntRange(0, limits.LARGEST_SEED), default=0, show_default=True)
@click.option(
    "--sentences",
    "limit",
    type=click.IntRange(1, limits.MOST_SENTENCES),
    help="Compose them from this many sentences.  [default: as many as entries, at least 500; all "
    "from 100,000 entries]",
)
@click.option("--out", type=STREAM_OUTPUT, help="File for the entries.  [default: standard output]")
@click.option(
    "--vectors",
    type=OUTPUT,
    help="File for the vectors, a float16 .npy. The first run embeds the sentences.",
)
@click.option("--hash", "hashed", is_flag=True, help="Print the SHA-256 of the entries instead.")
def generate(
    rows: int, seed: int, limit: int | None, out: Path | None, vectors: Path | None, hashed: bool
) -> None:
    """Generate distinct entries of real prose as JSON Lines, with vectors distributed alike.

    The sentences come from the docstrings of the installed packages: entries are the same for the
    same rows, seed and packages.
    """
    from rm_local.bench import (
        SyntheticSource,
        choose_sentence_limit,
        create_new_file,
        export_synthetic_rows,
        find_or_write_docstring_corpus,
    )
    from rm_local.errors import UsageError

    if hashed and out:
        raise UsageError("--hash and --out exclude each other.", "Give one of them.")
    if out and vectors and out.absolute() == vectors.absolute():
        raise UsageError("--out and --vectors name the same file.", "Name two files.")
    digest = hashlib.sha256()
    with open_progress_printer() as report, ExitStack() as files:
        source = SyntheticSource(
            rows,
            seed,
            find_or_write_docstring_corpus(limit or choose_sentence_limit(rows), report=report),
        )
        lines = files.enter_context(create_new_file(out)) if out else sys.stdout.buffer
        write = digest.update if hashed else lines.write
        vector_file = files.enter_context(create_new_file(vectors)) if vectors else None
        if vector_file:
            source.embed_anchors_if_missing(report)
        export_synthetic_rows(source, write, vector_file, report)
    if hashed:
        click.echo(digest.hexdigest())
