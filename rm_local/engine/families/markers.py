"""The texts by which a family of models sets its thinking apart from its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Markers:
    """Texts in what the model writes; white space around them is the family's business."""

    opening: str = "<think>"
    closing: str = "</think>"
    header_end: str = ""
    """Ends the header of a channel, which follows on `closing`; empty where there are none."""
    header_thinks: str = ""
    """A header that holds this text opens a channel of thinking, any other one an answer."""
    wrap: tuple[str, ...] = ()
    """What some put before and behind the answer; it is taken out."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them: those that are tokens have to be shown, and no message may hold one."""
        return tuple(text for text in (self.opening, self.closing, *self.wrap) if text)


THINK = Markers()
