"""Saved sessions: one JSON Lines file each, written as its turns happen."""

from rm_local.sessions.journal import Journal
from rm_local.sessions.listing import Session, find_session, last_session, list_sessions
from rm_local.sessions.replay import replay
from rm_local.sessions.turn_tree import Turns, lineage

__all__ = [
    "Journal",
    "Session",
    "Turns",
    "find_session",
    "last_session",
    "lineage",
    "list_sessions",
    "replay",
]
