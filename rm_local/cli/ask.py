"""`rm-local ask`: answers one question."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local import limits
from rm_local.cli.constraint import (
    GRAMMAR,
    JSON_SCHEMA,
    check_stdin_used_at_most_once,
    read_grammar_or_empty,
)
from rm_local.cli.context import (
    MODEL,
    STORES,
    CliContext,
    check_plan_setting,
    join_argument_or_read_stdin,
    print_notice_as_warning,
    print_notices_then_close,
)  # fmt: skip
from rm_local.cli.lazy_group import ReportedError
from rm_local.cli.options import LORA, FiniteRange
from rm_local.errors import CancelledByUserError
from rm_local.lora import LoraAdapter

if TYPE_CHECKING:
    from rm_local.cli.answer_printer import AnswerPrinter
    from rm_local.cli.turn_printer import TurnProgressPrinter
    from rm_local.loop import Event, Notice, Plan, TurnControl
    from rm_local.runtime import Runtime
    from rm_local.sessions import Session

EXAMPLE = 'rm-local ask "What is the kinetic energy for mass 4 kg and speed 6 m/s?"'
BRANCHES = click.IntRange(1, limits.MOST_BRANCHES)


@click.command()
@click.argument("question", nargs=-1)
@click.option("--json", "as_lines", is_flag=True, help="One event a line, as JSON.")
@click.option(
    "--plan", metavar="NAME", help="memory, direct, length-vote, cue-only, random-hints or paper."
)
@click.option("--samples", type=BRANCHES, metavar="M", help="Total number of branches.")
@click.option("--hints", type=BRANCHES, metavar="K", help="Most hints, one for each branch.")
@click.option(
    "--memory/--no-memory",
    default=None,
    help="Search the store for every question, or never; by default if it has something for it.",
)
@click.option(
    "--judge",
    is_flag=True,
    help="Let the model judge each hit before it is used; under the plans memory and paper.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1, limits.MOST_TOKENS),
    metavar="N",
    help="Most tokens of one branch.",
)
@click.option(
    "--max-seconds",
    type=FiniteRange(0, limits.MOST_SECONDS, min_open=True),
    metavar="N",
    help="Seconds after which the turn ends and answers with what was generated.",
)
@click.option(
    "--thinking/--no-thinking",
    default=None,
    help="Let the model think before it answers, or not; by default as in the settings.",
)
@click.option(
    "--effort", metavar="LEVEL", help="How much to think (low, high), if the model supports it."
)
@click.option(
    "--calculator/--no-calculator",
    default=True,
    help="Compute what a model writes as <<12*12=, if it was trained to, or let it do that itself.",
)
@click.option(
    "--temperature",
    type=FiniteRange(0, limits.HIGHEST_TEMPERATURE),
    metavar="T",
    help="For the branches; by default the plan's, or the model's own if that is higher.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, limits.LARGEST_SEED),
    default=0,
    metavar="N",
    show_default=True,
)
@click.option("-c", "--continue", "continues", is_flag=True, help="Continue the last session.")
@click.option(
    "--session",
    metavar="ID[:TURN]",
    help="Continue this session from that turn, or from its last.",
)
@JSON_SCHEMA
@GRAMMAR
@click.option(
    "--stdin/--no-stdin",
    "attach",
    default=None,
    help="Attach the text on standard input to QUESTION, however late it comes, or ignore it.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no progress on standard error.")
@MODEL
@LORA
@STORES
@click.pass_obj
def ask(
    context: CliContext,
    question: tuple[str, ...],
    as_lines: bool,
    plan: str | None,
    samples: int | None,
    hints: int | None,
    memory: bool | None,
    judge: bool,
    max_tokens: int | None,
    max_seconds: float | None,
    thinking: bool | None,
    effort: str | None,
    calculator: bool,
    temperature: float | None,
    seed: int,
    continues: bool,
    session: str | None,
    schema: Path | None,
    grammar: Path | None,
    attach: bool | None,
    quiet: bool,
    model: Path | None,
    lora: tuple[LoraAdapter, ...],
    stores: tuple[Path, ...],
) -> None:
    """Answer QUESTION, or the text on standard input.

    A text that is piped or redirected into the command is attached to QUESTION. A pipe without a
    first byte within 3 seconds is ignored, with a warning, and so is a file of which a part was
    read, such as the list that a shell loop reads. --stdin and --no-stdin decide it.

    The answer goes to standard output, while it is written if it has only one branch; the steps go
    to standard error. A branch under a hint may be dropped: only a terminal shows it
    meanwhile. Ctrl+C stops and keeps what was generated; a second one exits at once.

    The model reads the question alone, unless it continues a session: then it reads the earlier
    questions and answers, too. Continuing from an earlier turn begins a new branch of the
    conversation.

    A schema or a grammar constrains the answer, not the thinking before it. The model does not see
    it: describe in the question what you want.
    """
    import asyncio

    from rm_local.attachment import attach_text
    from rm_local.cli.standard_input import read_stdin_attachment_or_empty
    from rm_local.loop import TurnOverrides
    from rm_local.sessions import Session

    context = context.with_overrides(model, stores, lora)
    settings = context.load_settings()
    if not plan:
        check_plan_setting(settings)
    adjusted = find_and_adjust_plan(
        plan or settings.plan,
        samples=samples,
        hints=hints,
        memory=memory,
        judge=judge,
        max_tokens=max_tokens,
        max_seconds=max_seconds,
        thinking=settings.thinking if thinking is None else thinking,
        effort=effort or "",
        calculator=calculator,
    )
    attaches = bool(question) and question != ("-",)
    constrained_by_stdin = "-" in (str(grammar), str(schema))
    check_stdin_used_at_most_once(("-",) if attach else question, grammar, schema)
    text = join_argument_or_read_stdin(question, "question", EXAMPLE)
    attachment = (
        read_stdin_attachment_or_empty(False if constrained_by_stdin else attach)
        if attaches
        else ""
    )
    if attachment:
        text = attach_text(text, attachment)
    overrides = TurnOverrides(
        seed=seed, temperature=temperature, grammar=read_grammar_or_empty(grammar, schema)
    )
    runtime = context.new_runtime()
    if session or continues:
        chat, after = resume_session_at_turn(runtime, session or "last")
    else:
        chat, after = Session(runtime), 0
    printer = None if quiet or as_lines else create_turn_printer(runtime, chat, after, adjusted)
    if printer and attachment:
        printer.print_attachment_size(attachment)
    turn = partial(chat.ask, text, adjusted, after=after, overrides=overrides)
    try:
        answer = None if as_lines else create_and_attach_answer_printer(adjusted, printer)
        asyncio.run(run_and_print_turn_then_close(runtime, turn, printer, answer))
    finally:
        chat.close()


def find_and_adjust_plan(
    name: str,
    *,
    samples: int | None = None,
    hints: int | None = None,
    memory: bool | None = None,
    judge: bool = False,
    max_tokens: int | None = None,
    max_seconds: float | None = None,
    thinking: bool = True,
    effort: str = "",
    calculator: bool = True,
) -> Plan:
    """Return the plan called `name`, with the values of options that are given in place of its own.

    Raises:
        UsageError: There is no such plan, or one of the options has no effect on it.
    """
    from rm_local.loop import find_plan

    plan = find_plan(name)
    if memory is not None:
        require_question_search(plan, "--memory" if memory else "--no-memory")
        plan = replace(plan, question_gate="open" if memory else "shut")
    if judge:
        require_question_search(plan, "--judge")
    return replace(
        plan,
        samples=samples or plan.samples,
        hints=hints or plan.hints,
        judge="model" if judge else plan.judge,
        max_tokens=max_tokens or plan.max_tokens,
        max_seconds=max_seconds or plan.max_seconds,
        thinking=thinking,
        effort=effort,
        calculator=calculator and plan.calculator,
    )


def require_question_search(plan: Plan, option: str) -> None:
    """Check that the plan retrieves hits by the question, so that `option` has an effect.

    Raises:
        UsageError: The plan does not search by the question, or memory is off.
    """
    from rm_local.errors import UsageError

    if plan.retrieval != "memory":
        raise UsageError(
            f"The plan {plan.name!r} does not choose hits by the question.",
            f"Omit {option}, or use the plan memory.",
        )
    if plan.question_gate == "shut":
        raise UsageError("With --no-memory there are no hits.", f"Omit {option} or --no-memory.")


def resume_session_at_turn(runtime: Runtime, name: str) -> tuple[Session, int]:
    """Open the saved session named `ID` or `ID:TURN`, and return it with the turn to continue from.

    Without TURN that is the number of its last turn.

    Raises:
        UsageError: There is no such session or turn, or the session is open elsewhere.
    """
    from rm_local.cli.sessions import find_session_by_prefix_or_word_last
    from rm_local.errors import UsageError
    from rm_local.sessions import Session

    id, colon, turn = name.partition(":")
    path = find_session_by_prefix_or_word_last(id)
    session = Session.resume(runtime, path)
    if not colon:
        return session, session.last_turn_number
    if not turn.isdecimal() or int(turn) not in session.parents:
        session.close()
        remedy = f"List its turns with `rm-local sessions show {path.stem}`."
        raise UsageError(f"The session {path.stem} has no turn {turn!r}.", remedy)
    return session, int(turn)


def create_turn_printer(
    runtime: Runtime, session: Session, after: int, plan: Plan
) -> TurnProgressPrinter:
    """Create the printer of a turn that continues turn `after` of the session; 0 = none."""
    from rm_local.cli.turn_printer import TurnProgressPrinter

    return TurnProgressPrinter(runtime, session, after, plan)


def create_and_attach_answer_printer(
    plan: Plan, progress: TurnProgressPrinter | None
) -> AnswerPrinter:
    """Create the printer of the answer of a turn; it shares a terminal with that of its steps."""
    from rm_local.cli.answer_printer import AnswerPrinter

    if progress is None:
        return AnswerPrinter(plan)
    progress.answer = AnswerPrinter(plan, progress.clear_status)
    return progress.answer


async def run_and_print_turn_then_close(
    runtime: Runtime,
    ask: Callable[..., AsyncGenerator[Event, None]],
    printer: TurnProgressPrinter | None,
    answer: AnswerPrinter | None,
) -> None:
    """Run the turn that `ask(control=...)` starts, print its events, and close the runtime.

    `printer` None: no progress is printed. `answer` None: each event is printed as a line of JSON.

    Raises:
        ReportedError: The turn ended without an answer.
        click.exceptions.Exit: The user stopped the turn, but it has an answer.
    """
    from rm_local.loop import Failed, TurnControl

    control = TurnControl()
    last: Event | None = None

    def show_notice(notice: Notice) -> None:
        _print_event(notice, printer, answer)

    async with print_notices_then_close(runtime, show_notice):
        with _stop_on_interrupt(control, printer), printer or nullcontext():
            async with aclosing(ask(control=control)) as events:
                async for last in events:
                    _print_event(last, printer, answer)
    if isinstance(last, Failed):
        raise ReportedError(last.message, last.remedy, last.exit_code)
    if control.is_stopped:
        raise click.exceptions.Exit(CancelledByUserError.exit_code)


def _print_event(
    event: Event, printer: TurnProgressPrinter | None, answer: AnswerPrinter | None
) -> None:
    """Print an event: progress and notices to stderr; the answer, or without it JSON, to stdout."""
    from rm_local.loop import Answered, Notice, event_as_json

    if answer is None:
        click.echo(json.dumps(event_as_json(event)))
    elif not isinstance(event, Answered):
        answer.print_answer_part(event)
    if printer:
        printer.apply_event_and_print_progress(event)
    if isinstance(event, Notice):
        if answer and answer.has_open_line_shared_with_progress:
            answer.end_line()
        print_notice_as_warning(event.text)
    if answer and isinstance(event, Answered):  # the line of the vote stands above the answer
        answer.print_answer_part(event)


@contextmanager
def _stop_on_interrupt(control: TurnControl, printer: TurnProgressPrinter | None) -> Iterator[None]:
    """Let the first Ctrl+C in the `with` body stop the turn, and the second exit at once."""
    import asyncio

    loop = asyncio.get_running_loop()

    def stop_turn_and_restore_default_handler(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(control.stop)
        if printer:
            loop.call_soon_threadsafe(
                printer.print_line, "Stopping; press Ctrl+C again to exit at once."
            )

    before = signal.signal(signal.SIGINT, stop_turn_and_restore_default_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
