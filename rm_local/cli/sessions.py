"""`rm-local sessions`: lists and shows saved sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.context import print_text_safely
from rm_local.cli.lazy_group import SuggestingGroup
from rm_local.cli.options import JSON
from rm_local.cli.render import describe_prefill, format_share_bar

if TYPE_CHECKING:
    from rm_local.loop import Turn
    from rm_local.sessions import SavedSession


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@JSON
@click.pass_context
def sessions(ctx: click.Context, as_data: bool) -> None:
    """List the saved sessions, newest first, or show one."""
    if ctx.invoked_subcommand is None:
        print_sessions(as_data)


@sessions.command("list")
@JSON
def list_command(as_data: bool) -> None:
    """List the saved sessions, newest first."""
    print_sessions(as_data)


@sessions.command("show")
@click.argument("id")
@JSON
def show_session(id: str, as_data: bool) -> None:
    """Show the session whose name begins with ID; `last` is the most recent one."""
    from rm_local.cli.turn_text import format_phase_line
    from rm_local.sessions import read_session_turns
    from rm_local.text import one_line

    path = find_session_by_prefix_or_word_last(id)
    turns = read_session_turns(path)
    if as_data:
        click.echo(json.dumps({"id": path.stem, "turns": [turn_as_json(turn) for turn in turns]}))
        return
    for turn in turns:
        for line in format_turn_steps(turn):
            click.echo(line)
        if turn.answer:
            print_text_safely(turn.answer.text or turn.answer.result or "")
        else:
            _print_distinct_texts_or_thinking(turn)
        if turn.failure:
            end = "Stopped" if turn.was_stopped else "Failed"
            click.echo(format_phase_line(end, one_line(turn.failure)))
        click.echo()


def print_sessions(as_data: bool) -> None:
    """Print all saved sessions, newest first: as lines, or with `as_data` as one JSON object."""
    from rm_local.attachment import split_attachment
    from rm_local.sessions import list_sessions
    from rm_local.text import one_line
    from rm_local.units import format_count

    found = list_sessions()
    if as_data:
        click.echo(json.dumps({"sessions": [_session_as_json(saved) for saved in found]}))
        return
    for saved in found:
        when = click.style(f"{saved.started:%Y-%m-%d %H:%M}", dim=True)
        turns = format_count(saved.turns, "turn")
        question = one_line(split_attachment(saved.question).summary, 100)
        click.echo(f"{saved.id}  {when}  {turns:<9} {saved.state:<9} {question}")
    if not found:
        click.echo("No session is saved yet. Each is saved while it runs.", err=True)


def find_session_by_prefix_or_word_last(id: str) -> Path:
    """Return the file of the session whose id begins with `id`; "last" is the most recent one.

    Raises:
        UsageError: No session or several sessions match.
    """
    from rm_local.sessions import find_last_changed_session_file, find_session_file_by_prefix

    return find_last_changed_session_file() if id == "last" else find_session_file_by_prefix(id)


def turn_as_json(turn: Turn) -> dict[str, object]:
    """Convert the state of a turn to the JSON object of `sessions show --json`."""
    return {
        "question": turn.question,
        "plan": turn.plan,
        "subproblem": turn.subproblem or None,
        "hits": [asdict(hit) for hit in turn.hits],
        "judgements": [asdict(judgement) for judgement in turn.judgements],
        "branches": [asdict(branch.to_record()) for branch in turn.branches],
        "answer": turn.answer and asdict(turn.answer),
        "failure": turn.failure,
        "reading": turn.reading and asdict(turn.reading),
        "number": turn.number,
        "after": turn.after,
    }


def format_turn_steps(turn: Turn) -> Iterator[str]:
    """Yield lines that describe a turn up to its answer: question, subproblem, hits, branches."""
    from rm_local.attachment import describe_line_and_character_count, split_attachment
    from rm_local.cli.turn_text import (
        describe_branch_group,
        describe_judgements,
        describe_vote,
        format_phase_line,
        group_branches_by_text_and_end,
    )
    from rm_local.text import one_line

    follows = f", after turn {turn.after}" if turn.after else ""
    yield format_phase_line("Turn", f"{turn.number}{follows}")
    asked = split_attachment(turn.question)
    yield format_phase_line("Question", one_line(asked.question))
    if asked.attachment:
        yield format_phase_line("Attached", describe_line_and_character_count(asked.attachment))
    if turn.subproblem:
        yield format_phase_line("Formulate", one_line(turn.subproblem))
    if turn.hits_summary:
        yield format_phase_line("Memory", turn.hits_summary)
    for hit in turn.hits:
        title = one_line(hit.entry.subproblem)
        yield format_phase_line(
            "Retrieve", f"{format_share_bar(hit.similarity)} {hit.similarity:.2f}  {title}"
        )
    for message in turn.cuts:
        yield format_phase_line("Hint", one_line(message))
    if turn.judgements:
        yield format_phase_line("Judge", describe_judgements(turn.judgements))
    if turn.reading:
        yield format_phase_line("Read", describe_prefill(turn.reading))
    groups = group_branches_by_text_and_end([branch.to_record() for branch in turn.branches])
    for branches in groups:
        yield format_phase_line("Reason", describe_branch_group(branches))
    if turn.answer:
        if turn.was_stopped:
            yield format_phase_line("Stopped", "the answer is from what was generated until then")
        yield format_phase_line("Answer", describe_vote(turn.answer))


def _print_distinct_texts_or_thinking(turn: Turn) -> None:
    """Print what the branches of a turn without an answer wrote, equal texts once."""
    from rm_local.cli.turn_text import STOPS, format_phase_line, group_branches_by_text_and_end

    for branch, *_ in group_branches_by_text_and_end(
        [branch.to_record() for branch in turn.branches]
    ):
        part, text = "Text", branch.text.strip()
        if not text:
            part, text = "Thinking", branch.thinking.strip()
        if text:
            end = f", {STOPS[branch.stop]}" if STOPS[branch.stop] else ""
            click.echo(format_phase_line(part, f"of branch {branch.index + 1}{end}"))
            print_text_safely(text)


def _session_as_json(saved: SavedSession) -> dict[str, object]:
    """Convert the summary of a session to a JSON object."""
    return {**asdict(saved), "path": str(saved.path), "started": saved.started.isoformat()}
