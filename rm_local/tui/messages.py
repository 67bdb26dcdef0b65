"""Textual messages from widgets and workers to the chat screen."""

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
    """The user submitted a question."""

    question: str


@dataclass
class TurnChosen(Message):
    """The user chose an earlier turn to return to."""

    turn: Turn


@dataclass
class SessionLoaded(Message):
    """A saved session and its turns were loaded; the chat can switch to it."""

    session: Session
    turns: tuple[Turn, ...]


@dataclass
class SubproblemEdited(Message):
    """The user submitted an edited subproblem, which is not blank."""

    subproblem: str


@dataclass
class SubproblemEditCancelled(Message):
    """The user cancelled the editing of the subproblem."""


@dataclass
class HitPinToggled(Message):
    """The user pinned or unpinned a hit."""

    hit: Hit


@dataclass
class HitDropToggled(Message):
    """The user dropped or restored a hit."""

    hit: Hit


@dataclass
class HitOpened(Message):
    """The user opened an entry to read it in full."""

    hit: Hit


@dataclass
class BranchOpened(Message):
    """The user opened branch `index` of the current turn to read its whole text."""

    index: int


@dataclass
class RunEventReported(Message):
    """The backend reported an event between turns: a state of the model, or a notice."""

    event: RunEvent


@dataclass
class ModelReady(Message):
    """The model is loaded."""

    info: ModelInfo


@dataclass
class StoreReady(Message):
    """The store is open."""


@dataclass
class OpeningFailed(Message):
    """The model (`of_model`) or else the store could not be opened."""

    error: RmLocalError
    of_model: bool


@dataclass
class TurnEnded(Message):
    """The event stream of a turn has ended, normally or by an error."""

    turn: Turn | None
