"""`rm-local store gate`: how well the gate decides, on labelled questions and any store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import STORE, Opening, printing_notices
from rm_local.cli.options import JSON

if TYPE_CHECKING:
    from rm_local.loop import GateTrial
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

    Each has a `question`, and in `entries` the subproblems of the entries that help, none if the
    store has nothing for it. No model is loaded. Kept: of the questions one of whose entries is
    among the first three hits, the share that gets hits; silent: of those without an entry, the
    share that gets none.
    """
    from rm_local.loop import gate_curve, read_labelled_questions

    labelled = read_labelled_questions(questions, half)
    trials = asyncio.run(_try_all(opening.over(None, store).runtime(), labelled))
    curve = gate_curve(trials)
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
        click.echo(f"{point['threshold']:9.2f}  {point['kept']:5.1%}  {point['silent']:6.1%}{mark}")


async def _try_all(
    runtime: Runtime, labelled: list[tuple[str, tuple[str, ...]]]
) -> list[GateTrial]:
    from rm_local.loop import try_gate

    async with printing_notices(runtime):
        retriever = await runtime.open_store()
        return [await try_gate(retriever, *each) for each in labelled]
