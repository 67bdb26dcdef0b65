"""What the worker and the process that renders chat templates say to each other."""

from __future__ import annotations

from typing import Any, TypedDict

SECONDS = 3.0
"""Of computing, after which a template does not come to an end; usual ones take under 0.001 s."""


class Job(TypedDict):
    """What is to be rendered."""

    template: str
    variables: dict[str, Any]


class Rendered(TypedDict, total=False):
    """The text, or what is wrong."""

    text: str
    fault: str
    """In words; begins with a verb."""
    refused: bool
    """Whether the template itself refuses the messages."""
    line: int
    """Of the template; 0 when it is not known."""
