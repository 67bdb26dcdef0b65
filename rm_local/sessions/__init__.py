"""Sessions (chats): each is saved as a JSON Lines file, event by event, while its turns run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.sessions.journal import Journal as Journal
    from rm_local.sessions.listing import (
        SavedSession as SavedSession,
        find_last_session as find_last_session,
        find_session as find_session,
        list_sessions as list_sessions,
    )
    from rm_local.sessions.replay import replay_session as replay_session
    from rm_local.sessions.session import Session as Session, SessionRuntime as SessionRuntime
    from rm_local.sessions.turn_tree import (
        TurnTree as TurnTree,
        list_conversation_turns as list_conversation_turns,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "journal": ["Journal"],
        "listing": ["SavedSession", "find_session", "find_last_session", "list_sessions"],
        "replay": ["replay_session"],
        "session": ["Session", "SessionRuntime"],
        "turn_tree": ["TurnTree", "list_conversation_turns"],
    },
)
