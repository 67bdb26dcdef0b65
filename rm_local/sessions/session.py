"""A session (chat): asks its questions one after another, and saves the events as they occur."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol, Self

from rm_local import paths
from rm_local.engine import Message
from rm_local.errors import HomeNotFoundError, UsageError
from rm_local.folders import UnsavedFilesReporter
from rm_local.loop import Event, Notice, Plan, RunEvent, Turn, TurnControl, TurnOverrides
from rm_local.lora import LoraAdapter
from rm_local.sessions.journal import Journal
from rm_local.sessions.replay import read_session_turns
from rm_local.sessions.turn_tree import TurnTree


class SessionRuntime(Protocol):
    """The part of `rm_local.runtime.Runtime` that a session uses to solve its questions.

    Several sessions can share one runtime.
    """

    @property
    def model(self) -> Path: ...

    @property
    def stores(self) -> Sequence[Path]: ...

    @property
    def unsaved_files_reporter(self) -> UnsavedFilesReporter: ...

    async def add_adapter_hashes_if_readable(self) -> Sequence[LoraAdapter]: ...

    def solve(
        self,
        question: str,
        plan: Plan,
        *,
        history: Sequence[Message] = (),
        overrides: TurnOverrides = ...,
        control: TurnControl | None = None,
    ) -> AsyncGenerator[Event, None]: ...


class Session:
    """A chat: asks questions, numbers and saves the turns, and records which turn each follows.

    The file is created by the first question. A session answers one question at a time: the next is
    refused until the stream of events of the first has ended or is closed.
    """

    def __init__(self, solver: SessionRuntime) -> None:
        """Create a new, empty session."""
        self.saved: tuple[Turn, ...] = ()
        """The turns that the file held when the session was resumed, oldest first; else empty."""
        self._solver = solver
        self._journal: Journal | None = None
        self._tree = TurnTree()
        self._asking = False
        self._notices: list[str] = []

    @classmethod
    def resume(cls, solver: SessionRuntime, path: Path) -> Self:
        """Read the saved session at `path`; further turns are appended to its file.

        Raises:
            UsageError: The file is not a session, or is open elsewhere.
            RmLocalError: The file cannot be read.
        """
        session = cls(solver)
        session._journal = Journal.reopen(
            path,
            model=str(solver.model),
            store=str(solver.stores[0]),
            stores=[str(each) for each in solver.stores],
            warn=session._notices.append,
            unsaved=session._report_unsaved,
        )
        try:
            session.saved = tuple(read_session_turns(path))
        except BaseException:
            session.close()
            raise
        session._tree = TurnTree(session.saved)
        return session

    @property
    def path(self) -> Path | None:
        """Path of the session's file; None before its first question, or if it cannot be saved."""
        return self._journal.path if self._journal and self._journal.begun else None

    @property
    def last_turn_number(self) -> int:
        """Number of the most recent turn; 0 before the first."""
        return self._tree.last_turn_number

    @property
    def parents(self) -> dict[int, int]:
        """Maps the number of each turn to the number of the turn that it follows; 0 = none."""
        return self._tree.parents

    async def ask(
        self,
        question: str,
        plan: Plan,
        *,
        after: int = 0,
        overrides: TurnOverrides = TurnOverrides(),  # noqa: B008 (frozen)
        control: TurnControl | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Solve a question: yield the events of its turn as they occur; each is saved first.

        `after` is the number of the turn whose conversation this one continues, 0 for none.

        Raises:
            UsageError: There is no turn `after`, or a turn of this session is running.
        """
        if self._asking:
            raise UsageError("This session is answering a question.", "Stop it, or wait for it.")
        self._asking = True
        try:
            lora = await self._solver.add_adapter_hashes_if_readable()
            number = self._tree.add_turn(question, after)
            journal = self._journal = self._journal or self._create_journal()
            journal.write_question(
                question, plan.name, overrides.seed, turn=number, after=after, lora=lora
            )
            history = self._tree.list_answered_messages(after)
            turn = self._solver.solve(
                question, plan, history=history, overrides=overrides, control=control
            )
            async with aclosing(turn) as events:
                async for event in events:
                    if not isinstance(event, RunEvent):
                        journal.write_event(event)
                        self._tree.record_answer_if_answered(number, event)
                    while self._notices:
                        yield Notice(self._notices.pop(0))
                    yield event
        finally:
            self._asking = False

    def close(self) -> None:
        """Close the file of the session; closing twice is allowed."""
        if self._journal:
            self._journal.close()

    def _create_journal(self) -> Journal:
        """Return the journal of a new session, whose file is created by the first question.

        Without a folder for sessions this is reported, and the journal saves nothing.
        """
        try:
            folder = paths.sessions_dir()
        except HomeNotFoundError as error:
            self._report_unsaved(error)
            folder = None
        return Journal(
            folder,
            model=str(self._solver.model),
            store=str(self._solver.stores[0]),
            stores=[str(each) for each in self._solver.stores],
            warn=self._notices.append,
            unsaved=self._report_unsaved,
        )

    def _report_unsaved(self, error: OSError | HomeNotFoundError) -> None:
        """Report once, for the whole program, that `error` prevents saving sessions."""
        self._solver.unsaved_files_reporter.report_unsaved_kinds_once("sessions", error)
