"""rm-local: Reasoning Memory, offline, in a terminal.

From Python: `Store` is one file of entries, searched with a `SearchRequest`. `Runtime` holds the
model, the store and the embedder, and solves questions by a `Plan`; `Session` asks them one after
another and saves them. `solve` is the loop itself, over a model and a retriever of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.loop import PLANS as PLANS, Plan as Plan, solve as solve
    from rm_local.records import Entry as Entry, Hit as Hit
    from rm_local.runtime import Runtime as Runtime
    from rm_local.sessions import Session as Session
    from rm_local.settings import Settings as Settings
    from rm_local.store import (
        EmbedderId as EmbedderId,
        EntryFilter as EntryFilter,
        SearchRequest as SearchRequest,
        Store as Store,
    )

__version__ = "0.1.0"

__getattr__ = export_lazily(
    __name__,
    {
        "loop": ["PLANS", "Plan", "solve"],
        "records": ["Entry", "Hit"],
        "runtime": ["Runtime"],
        "sessions": ["Session"],
        "settings": ["Settings"],
        "store": ["EmbedderId", "EntryFilter", "SearchRequest", "Store"],
    },
)
