"""What widgets and workers tell the chat screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from rm_local.engine.protocol import ModelInfo
    from rm_local.errors import RmLocalError
    from rm_local.records import Hit
    from rm_local.tui.turn_view import TurnView


@dataclass
class QuestionSubmitted(Message):
    """The user asked."""

    question: str


@dataclass
class TurnChosen(Message):
    """The user goes back to an earlier turn."""

    turn: TurnView


@dataclass
class SessionReopened(Message):
    """The turns of a saved session are there."""

    turns: list[TurnView]


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
class ModelProgress(Message):
    """The model is being loaded."""

    share: float
    """0 to 1."""


@dataclass
class ModelReady(Message):
    """The model can be asked."""

    info: ModelInfo


@dataclass
class ModelUnloaded(Message):
    """The model's memory was given back, as nothing was asked for a while."""


@dataclass
class MemoryReady(Message):
    """The store can be searched."""


@dataclass
class OpeningFailed(Message):
    """Model or store could not be opened."""

    error: RmLocalError
    of_model: bool


@dataclass
class TurnEnded(Message):
    """The last event of a turn has come."""

    turn: TurnView | None
