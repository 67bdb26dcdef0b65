"""Saved sessions: one JSON Lines file each, written as its turns happen."""

from rm_local.sessions.journal import Journal
from rm_local.sessions.listing import SavedSession, find_session, last_session, list_sessions
from rm_local.sessions.replay import replay_session
from rm_local.sessions.session import Session, Solver
from rm_local.sessions.turn_tree import TurnTree, trace_lineage

__all__ = [
    "Journal",
    "SavedSession",
    "Session",
    "Solver",
    "TurnTree",
    "find_session",
    "last_session",
    "list_sessions",
    "replay_session",
    "trace_lineage",
]
