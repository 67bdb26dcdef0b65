"""Messages between the worker and the process that renders chat templates."""

from __future__ import annotations

from typing import Any, TypedDict

CPU_SECONDS = 3.0
"""Limit of CPU time for one template; most templates take less than 0.001 s."""


class RenderJob(TypedDict):
    """The text of a template to render, and its variables."""

    template: str
    variables: dict[str, Any]


class RenderReply(TypedDict, total=False):
    """The rendered text, or the description of the fault."""

    text: str
    fault: str
    """A description of the fault that begins with a verb."""
    refused: bool
    """Whether the template itself refuses the messages."""
    line: int
    """Line of the template with the fault; 0 if it is unknown."""
