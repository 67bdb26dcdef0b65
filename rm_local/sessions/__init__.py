"""Saved sessions: one JSON Lines file each, written as its turns happen."""

from rm_local.sessions.journal import Journal
from rm_local.sessions.listing import Session, find_session, list_sessions
from rm_local.sessions.replay import replay

__all__ = ["Journal", "Session", "find_session", "list_sessions", "replay"]
