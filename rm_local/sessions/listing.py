"""Lists saved sessions, and finds them by the beginning of their ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from rm_local import paths
from rm_local.errors import CancelledByUserError, RmLocalError, UsageError
from rm_local.loop import Answered, Failed
from rm_local.sessions.format import (
    ASKED,
    SUFFIX,
    decode_line,
    has_kind,
    read_session_header_and_lines,
)

State = Literal["answered", "stopped", "failed", "cut short"]
"""How the last turn of a session ended; `cut short`: without an end, or it is still running."""


@dataclass(frozen=True, slots=True)
class SavedSession:
    """Summary of a saved session, read from its file for lists of sessions."""

    id: str
    path: Path
    started: datetime
    question: str
    """The session's first question."""
    turns: int
    model: str
    state: State


def list_sessions(folder: Path | None = None) -> list[SavedSession]:
    """List the saved sessions in `folder`, newest first; None: the user's folder of sessions.

    Files that are not readable sessions are skipped.
    """
    found = []
    for path in (folder or paths.sessions_dir()).glob(f"*{SUFFIX}"):
        try:
            found.append(_summarize_session(path))
        except RmLocalError:
            continue
    return sorted(found, key=lambda session: (session.started, session.id), reverse=True)


def find_last_changed_session_file(folder: Path | None = None) -> Path:
    """Return the path of the session file that was changed last.

    Raises:
        UsageError: No session is saved.
    """
    found = [session.path for session in list_sessions(folder)]
    if not found:
        raise UsageError("There is no session yet.", "Ask a question first.")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def find_session_file_by_prefix(beginning: str, folder: Path | None = None) -> Path:
    """Return the path of the one session whose id is, or else begins with, `beginning`.

    Raises:
        UsageError: No session or several sessions match.
    """
    folder = folder or paths.sessions_dir()
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.stem.startswith(beginning)]
    exact = [path for path in found if path.stem == beginning]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        ids = ", ".join(sorted(path.stem for path in found))
        raise UsageError(f"Several sessions begin with {beginning!r}: {ids}.", "Type more of it.")
    raise UsageError(f"There is no session {beginning!r}.", "`rm-local sessions` lists them.")


def _summarize_session(path: Path) -> SavedSession:
    """Read the summary of a session; lines of tokens, which are most lines, are not parsed."""
    header, lines = read_session_header_and_lines(path)
    question, turns = "", 0
    state: State = "cut short"
    for line in lines:
        if not any(has_kind(line, kind) for kind in (ASKED, Answered.event, Failed.event)):
            continue
        if (fields := decode_line(line)) is None:
            continue
        if fields["event"] == ASKED:
            question = question or str(fields.get("question", ""))
            turns, state = turns + 1, "cut short"
        elif fields["event"] == Answered.event:
            state = "answered"
        else:
            state = (
                "stopped" if fields.get("exit_code") == CancelledByUserError.exit_code else "failed"
            )
    return SavedSession(
        id=path.stem,
        path=path,
        started=_parse_start_or_change_time(header.get("started"), path),
        question=question,
        turns=turns,
        model=str(header.get("model", "")),
        state=state,
    )


def _parse_start_or_change_time(written: object, path: Path) -> datetime:
    """Parse the `started` of a header, in local time; the time of the last change if invalid."""
    try:
        return datetime.fromisoformat(str(written)).astimezone()
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
