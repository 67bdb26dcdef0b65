"""The messages that widgets and workers send to the chat screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from rm_local.engine import ModelInfo
    from rm_local.errors import RmLocalError
    from rm_local.loop import RunEvent, Turn
    from rm_local.records import Hit
    from rm_local.sessions import Session


@dataclass
class QuestionSubmitted(Message):
    """The user asked."""

    question: str


@dataclass
class TurnChosen(Message):
    """The user goes back to an earlier turn."""

    turn: Turn


@dataclass
class SessionResumed(Message):
    """A saved session was read and can be continued."""

    session: Session
    turns: tuple[Turn, ...]


@dataclass
class SubproblemEdited(Message):
    """The user wrote another subproblem."""

    subproblem: str


@dataclass
class EditLeft(Message):
    """The user leaves the subproblem as it was."""


@dataclass
class HitPinned(Message):
    """The user pinned a hit, or took the pin back."""

    hit: Hit


@dataclass
class HitDropped(Message):
    """The user dropped a hit, or took that back."""

    hit: Hit


@dataclass
class HitOpened(Message):
    """The user wants to read the whole entry."""

    hit: Hit


@dataclass
class BranchOpened(Message):
    """The user wants to read all that a branch has written."""

    index: int


@dataclass
class RunEventReported(Message):
    """Something happened to the model between two turns, or there is a notice."""

    event: RunEvent


@dataclass
class ModelReady(Message):
    """The model can be asked."""

    info: ModelInfo


@dataclass
class StoreReady(Message):
    """The store can be searched."""


@dataclass
class OpeningFailed(Message):
    """Model or store could not be opened."""

    error: RmLocalError
    of_model: bool


@dataclass
class TurnEnded(Message):
    """The last event of a turn has come."""

    turn: Turn | None
