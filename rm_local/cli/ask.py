"""`rm-local ask`: one question, one answer."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.constraint import GRAMMAR, JSON_SCHEMA, check_streams, gbnf
from rm_local.cli.context import MODEL, STORE, Opening, said
from rm_local.cli.lazy_group import INTERRUPTED, Failure

if TYPE_CHECKING:
    from rm_local.cli.turn_printer import Narrator
    from rm_local.loop.control import TurnControl, TurnOverrides
    from rm_local.loop.events import Event
    from rm_local.loop.plan import Plan
    from rm_local.runtime import Runtime

EXAMPLE = 'rm-local ask "What is the kinetic energy for mass 4 kg and speed 6 m/s?"'
COUNT = click.IntRange(min=1)


@click.command()
@click.argument("question", nargs=-1)
@click.option("--json", "as_lines", is_flag=True, help="One event a line, as JSON.")
@click.option("--plan", metavar="NAME", help="memory, none, length, cue or random.")
@click.option("--samples", type=COUNT, metavar="M", help="Branches in all.")
@click.option("--hints", type=COUNT, metavar="K", help="Hints at most, one a branch.")
@click.option("--max-tokens", type=COUNT, metavar="N", help="Budget of one branch.")
@click.option(
    "--thinking/--no-thinking",
    default=None,
    help="Let the model think before it answers, or not; by default as in the settings.",
)
@click.option(
    "--effort", metavar="LEVEL", help="How much to think (low, high), where the model can be told."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", show_default=True)
@click.option("-c", "--continue", "go_on", is_flag=True, help="Go on with the last session.")
@click.option(
    "--session",
    metavar="ID[:TURN]",
    help="Go on with this session, behind that turn of it or its last.",
)
@JSON_SCHEMA
@GRAMMAR
@click.option("-q", "--quiet", is_flag=True, help="No narration on standard error.")
@MODEL
@STORE
@click.pass_obj
def ask(
    opening: Opening,
    question: tuple[str, ...],
    as_lines: bool,
    plan: str | None,
    samples: int | None,
    hints: int | None,
    max_tokens: int | None,
    thinking: bool | None,
    effort: str | None,
    seed: int,
    go_on: bool,
    session: str | None,
    schema: Path | None,
    grammar: Path | None,
    quiet: bool,
    model: Path | None,
    store: Path | None,
) -> None:
    """Answer QUESTION, or what comes on standard input.

    The answer goes to standard output, how it came about to standard error. Ctrl+C stops
    and keeps what there is; twice leaves at once.

    Each question stands alone, unless it goes on with a session: the model then reads the
    earlier questions and answers, too. Behind an earlier turn the conversation forks.

    A schema or a grammar holds for the answer, not for the thinking before it. The model is not
    shown it: say in the question what you want.
    """
    from rm_local.loop.control import TurnOverrides

    opening = opening.over(model, store)
    settings = opening.settings()
    way = planned(
        plan or settings.plan,
        samples=samples,
        hints=hints,
        max_tokens=max_tokens,
        thinking=settings.thinking if thinking is None else thinking,
        effort=effort or "",
    )
    check_streams(question, grammar, schema)
    asked = said(question, "question", EXAMPLE)
    steering = TurnOverrides(seed=seed, grammar=gbnf(grammar, schema))
    runtime = opening.runtime()
    after = resumed(runtime, session or "last") if session or go_on else 0
    told = None if quiet or as_lines else narrator()
    asyncio.run(answer(runtime, asked, way, steering, after, told=told, as_lines=as_lines))


def planned(
    name: str,
    *,
    samples: int | None = None,
    hints: int | None = None,
    max_tokens: int | None = None,
    thinking: bool = True,
    effort: str = "",
) -> Plan:
    """The plan of that name, with what was asked for in the place of its own."""
    from rm_local.loop.plan import named

    plan = named(name)
    return replace(
        plan,
        samples=samples or plan.samples,
        hints=hints or plan.hints,
        max_tokens=max_tokens or plan.max_tokens,
        thinking=thinking,
        effort=effort,
    )


def resumed(runtime: Runtime, name: str) -> int:
    """Reopen the session `ID` or `ID:TURN`; the number of the turn that is to be followed.

    Raises UsageError when there is no such session or turn, or it is open elsewhere.
    """
    from rm_local.cli.sessions import chosen
    from rm_local.errors import UsageError

    id, colon, turn = name.partition(":")
    path = chosen(id)
    numbers = [trace.number for trace in runtime.resume(path)]
    if not colon:
        return max(numbers, default=0)
    if not turn.isdecimal() or int(turn) not in numbers:
        told = f"`rm-local sessions show {path.stem}` numbers them."
        raise UsageError(f"The session {path.stem} has no turn {turn!r}.", told)
    return int(turn)


def narrator() -> Narrator:
    """What tells the turn on standard error."""
    from rm_local.cli.turn_printer import Narrator

    return Narrator()


async def answer(
    runtime: Runtime,
    question: str,
    plan: Plan,
    steering: TurnOverrides,
    after: int,
    *,
    told: Narrator | None,
    as_lines: bool,
) -> None:
    """Solve and print; raises Failure with the exit code where no answer came of it."""
    from rm_local.loop.control import TurnControl
    from rm_local.loop.events import Failed

    control = TurnControl()
    last: Event | None = None
    try:
        with _stop_on_interrupt(control, told):
            if told:
                runtime.on_loading = told.loading
            stream = runtime.solve(question, plan, steering=steering, control=control, after=after)
            async for last in stream:
                if told:
                    told.place(runtime, after)
                _put(last, told, as_lines)
    finally:
        await runtime.close()
    if isinstance(last, Failed):
        raise Failure(last.message, last.remedy, last.exit_code)
    if control.stopped:
        raise click.exceptions.Exit(INTERRUPTED)


def _put(event: Event, narrator: Narrator | None, as_lines: bool) -> None:
    """Data on standard output, flushed; the rest to the narrator."""
    from rm_local.loop.events import Answered, as_json
    from rm_local.text import clean

    if as_lines:
        click.echo(json.dumps(as_json(event)))
    if narrator:
        narrator.tell(event)
    if isinstance(event, Answered) and not as_lines:
        click.echo(clean(event.answer.text) or clean(event.answer.result or ""))


@contextmanager
def _stop_on_interrupt(control: TurnControl, narrator: Narrator | None) -> Iterator[None]:
    """Within it the first Ctrl+C stops the turn, the second leaves at once."""
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(control.stop)
        if narrator:
            loop.call_soon_threadsafe(narrator.line, "Stopping; Ctrl+C again leaves at once.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
