"""`rm-local store gate`: measures the gate's decisions on labelled questions and any store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import (
    STORES,
    CliContext,
    print_notice_as_warning,
    print_notices_then_close,
)
from rm_local.cli.options import EXISTING_FILE, JSON
from rm_local.cli.progress import open_progress_printer
from rm_local.progress import ProgressMeter

if TYPE_CHECKING:
    from rm_local.loop import GateTrial, LabelledQuestion
    from rm_local.runtime import Runtime


@click.command("gate")
@click.argument("questions", type=EXISTING_FILE)
@click.option("--half", metavar="NAME", help="Only questions whose `half` is NAME.")
@JSON
@STORES
@click.pass_obj
def measure_gate(
    context: CliContext, questions: Path, half: str | None, as_data: bool, stores: tuple[Path, ...]
) -> None:
    """Measure the gate on labelled QUESTIONS, JSON Lines; - is standard input.

    Each has a `question`, and in `entries` the subproblems of the entries that help, if any. A
    warning names labels that are not in the store. No model is loaded.

    Kept: the share that gets hits, of the questions with one of their entries among the first three
    hits. Silent: the share that gets no hits, of the questions without entries. A - stands for no
    such questions.
    """
    from rm_local.loop import compute_gate_curve, read_labelled_questions

    labelled = read_labelled_questions(questions, half)
    trials, unknown = asyncio.run(
        _try_gate_print_notices_and_close(
            context.with_overrides(stores=stores).new_runtime(), labelled
        )
    )
    if unknown:
        print_notice_as_warning(_describe_unknown_labels(unknown))
    curve = compute_gate_curve(trials)
    if as_data:
        click.echo(json.dumps({"questions": len(trials), "curve": curve}))
        return
    found = sum(trial.found for trial in trials)
    nothing = sum(not trial.fits for trial in trials)
    click.echo(
        f"{len(trials)} questions: {found} find their entry among the first three,"
        f" {nothing} have none."
    )
    click.echo("threshold   kept  silent")
    for point in curve:
        mark = "  in use" if point["in_use"] else ""
        kept, silent = _format_percent(point["kept"]), _format_percent(point["silent"])
        click.echo(f"{point['threshold']:9.2f} {kept:>6}  {silent:>6}{mark}")


async def _try_gate_print_notices_and_close(
    runtime: Runtime, labelled: list[LabelledQuestion]
) -> tuple[list[GateTrial], list[str]]:
    """Let the gate decide on each question; return the trials, and the labels without an entry."""
    from rm_local.loop import find_unknown_labels, run_gate_trial

    async with print_notices_then_close(runtime):
        retriever = await runtime.ensure_stores_and_embedder_open()
        with open_progress_printer() as report:
            meter, trials = ProgressMeter(report, "questions", len(labelled)), []
            for each in labelled:
                trials.append(await run_gate_trial(retriever, *each))
                meter.report_units_done(len(trials))
        return trials, await find_unknown_labels(retriever, labelled)


def _describe_unknown_labels(labels: list[str]) -> str:
    """Describe in a sentence how many labels match no entry, with the first of them."""
    if len(labels) == 1:
        return f"1 label names no entry of the store: {labels[0]!r}."
    return f"{len(labels)} labels name no entry of the store, first {labels[0]!r}."


def _format_percent(share: float | None) -> str:
    """Format a share, 0 to 1, in percent; None as `-`."""
    return "-" if share is None else f"{share:.1%}"
