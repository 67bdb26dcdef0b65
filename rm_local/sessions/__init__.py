"""Sessions (chats): each is saved as a JSON Lines file, event by event, while its turns run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.sessions.journal import Journal as Journal
    from rm_local.sessions.listing import (
        SavedSession as SavedSession,
        find_last_changed_session_file as find_last_changed_session_file,
        find_session_file_by_prefix as find_session_file_by_prefix,
        list_sessions as list_sessions,
    )
    from rm_local.sessions.replay import read_session_turns as read_session_turns
    from rm_local.sessions.session import Session as Session, SessionRuntime as SessionRuntime
    from rm_local.sessions.turn_tree import (
        TurnTree as TurnTree,
        list_conversation_turn_numbers as list_conversation_turn_numbers,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "journal": ["Journal"],
        "listing": [
            "SavedSession",
            "find_session_file_by_prefix",
            "find_last_changed_session_file",
            "list_sessions",
        ],
        "replay": ["read_session_turns"],
        "session": ["Session", "SessionRuntime"],
        "turn_tree": ["TurnTree", "list_conversation_turn_numbers"],
    },
)
