"""`rm-local store bench`: measures speed and recall of search, also of other libraries."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local import limits
from rm_local.cli.old_options import build_old_options_context_settings
from rm_local.cli.options import FOLDER, JSON, OUTPUT, FiniteRange
from rm_local.cli.progress import open_progress_printer
from rm_local.progress import ProgressCallback

if TYPE_CHECKING:
    from rm_local.bench import (
        BenchQueriesWithAnswers,
        PeerComparison,
        PeerLimits,
        StoreBenchResult,
        SyntheticSource,
    )


@click.command("bench", context_settings=build_old_options_context_settings("store bench"))
@click.option(
    "--rows",
    type=click.IntRange(1000, 100_000_000),
    default=100_000,
    show_default=True,
    help="Number of synthetic entries.",
)
@click.option(
    "--breadth",
    type=FiniteRange(0.1, 8),
    default=1.0,
    show_default=True,
    help="How much of the store a search looks at: more finds more, in more time.",
)
@click.option("--seed", type=click.IntRange(0, limits.LARGEST_SEED), default=0, show_default=True)
@click.option(
    "--sentences",
    "limit",
    type=click.IntRange(1, limits.MOST_SENTENCES),
    help="Compose the entries from this many sentences.  [default: as many as entries, at least "
    "500; all from 100,000 entries]",
)
@click.option(
    "--in",
    "folder",
    type=FOLDER,
    default=Path(),
    help="Folder for the temporary store.  [default: the current one]",
)
@click.option(
    "--keep",
    type=OUTPUT,
    help="Build the store here and keep it; an existing one is measured.",
)
@click.option("--peers", is_flag=True, help="Also measure other libraries on the same rows.")
@click.option(
    "--peer-minutes",
    type=FiniteRange(0.1, limits.MOST_MINUTES),
    default=15,
    show_default=True,
    help="Most minutes that each of them may take to build.",
)
@JSON
def bench_synthetic_store(
    rows: int,
    breadth: float,
    seed: int,
    limit: int | None,
    folder: Path,
    keep: Path | None,
    peers: bool,
    peer_minutes: float,
    as_data: bool,
) -> None:
    """Build a store of synthetic entries and measure its search against an exact one."""
    from rm_local.bench import (
        PeerLimits,
        SyntheticSource,
        bench_store as measure,
        choose_sentence_limit,
        find_or_write_docstring_corpus,
        make_temporary_store_path,
    )

    with open_progress_printer() as report:
        source = SyntheticSource(
            rows,
            seed,
            find_or_write_docstring_corpus(limit or choose_sentence_limit(rows), report=report),
        )
        source.embed_anchors_if_missing(report)
        with nullcontext(keep) if keep else make_temporary_store_path(folder) as path:
            found, questions = measure(source, path, breadth, report)
            limits = PeerLimits(build=60 * peer_minutes)
            race = (
                _measure_and_compare_peers(found, source, questions, path.parent, limits, report)
                if peers
                else None
            )
    if as_data:
        click.echo(json.dumps(asdict(found) | ({"race": race.to_json_dict()} if race else {})))
        return
    for name, value in asdict(found).items():
        items = (
            ", ".join(f"{k} {v:,}" for k, v in value.items()) if isinstance(value, dict) else None
        )
        click.echo(f"{name:<20} {items or format(value, ',')}")
    if race:
        click.echo(race.format_table())


def _measure_and_compare_peers(
    found: StoreBenchResult,
    source: SyntheticSource,
    questions: BenchQueriesWithAnswers,
    folder: Path,
    limits: PeerLimits,
    report: ProgressCallback,
) -> PeerComparison:
    """Measure other libraries on the same rows, at the recall that the store reached."""
    from rm_local.bench import IndexBenchResult, PeerQueriesWithAnswers as Asked, compare_peers

    # Peers have to reach the recall over all queries, real and synthetic.
    recall = (found.recall_at_10 + found.recall_at_10_alike) / 2
    store = IndexBenchResult(
        "rm-local",
        recall,
        found.warm_p50_ms,
        found.warm_p95_ms,
        found.memory_mb,
        found.bytes,
        found.build_rows_per_s,
        setting=f"{found.probes} clusters, {found.candidates} candidates",
    )
    asked = Asked(questions.queries, questions.rows)
    return compare_peers(store, source, asked, folder, limits=limits, report=report)
