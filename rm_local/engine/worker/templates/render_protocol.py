"""The messages between the worker and its process that renders chat templates."""

from __future__ import annotations

from typing import Any, TypedDict

CPU_SECONDS = 3.0
"""Maximum seconds of CPU time to render one template; most take less than 0.001 s."""


class RenderJob(TypedDict):
    """A request to render a chat template: its text, and its variables."""

    template: str
    variables: dict[str, Any]


class RenderReply(TypedDict, total=False):
    """The reply to a `RenderJob`: the rendered text, or a description of the fault."""

    text: str
    fault: str
    """What is wrong with the template, beginning with a verb; missing if it was rendered."""
    refused: bool
    """Whether the template refused the messages by `raise_exception`."""
    line: int
    """Number of the template's line with the fault; 0 if it is unknown."""
