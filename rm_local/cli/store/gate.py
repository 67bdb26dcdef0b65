"""`rm-local store gate`: how well the gate decides, on labelled questions and any store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, Opening, print_notice, printing_notices
from rm_local.cli.options import JSON

if TYPE_CHECKING:
    from rm_local.loop import GateTrial, LabelledQuestion
    from rm_local.runtime import Runtime


@click.command()
@click.argument("questions", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--half", metavar="NAME", help="Only questions whose `half` is NAME.")
@JSON
@STORE
@click.pass_obj
def gate(
    opening: Opening, questions: Path, half: str | None, as_data: bool, store: Path | None
) -> None:
    """Measure the gate on labelled QUESTIONS, JSON Lines.

    Each has a `question`, and in `entries` the subproblems of the entries that help; none, or no
    `entries`, if the store has nothing for it. A label that names no entry of the store is warned
    of. No model is loaded. Kept: of the questions one of whose entries is among the first three
    hits, the share that gets hits; silent: of those without an entry, the share that gets none;
    each is - where there is no such question.
    """
    from rm_local.loop import compute_gate_curve, read_labelled_questions

    labelled = read_labelled_questions(questions, half)
    trials, unknown = asyncio.run(_try_all(opening.over(None, store).runtime(), labelled))
    if unknown:
        print_notice(_describe_unknown(unknown))
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
        kept, silent = _percent(point["kept"]), _percent(point["silent"])
        click.echo(f"{point['threshold']:9.2f} {kept:>6}  {silent:>6}{mark}")


async def _try_all(
    runtime: Runtime, labelled: list[LabelledQuestion]
) -> tuple[list[GateTrial], list[str]]:
    """A trial of each question, and the labels that name no entry."""
    from rm_local.loop import find_unknown_labels, try_gate

    async with printing_notices(runtime):
        retriever = await runtime.open_store()
        trials = [await try_gate(retriever, *each) for each in labelled]
        return trials, await find_unknown_labels(retriever, labelled)


def _describe_unknown(labels: list[str]) -> str:
    if len(labels) == 1:
        return f"1 label names no entry of the store: {labels[0]!r}."
    return f"{len(labels)} labels name no entry of the store, first {labels[0]!r}."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
