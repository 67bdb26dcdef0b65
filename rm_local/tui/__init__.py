"""The terminal app, written with Textual; it shows the stream of events of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.tui.app import RmLocalApp as RmLocalApp

__getattr__ = export_lazily(
    __name__,
    {
        "app": ["RmLocalApp"],
    },
)
