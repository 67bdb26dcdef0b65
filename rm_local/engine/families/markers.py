"""The texts that separate a model's thinking from its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Markers:
    """Texts in a model's output; the family defines the white space around them."""

    opening: str = "<think>"
    closing: str = "</think>"
    header_end: str = ""
    """Ends the header of a channel, which follows `closing`; empty = no channels."""
    header_thinks: str = ""
    """A header that contains this text opens a thinking channel, any other an answer."""
    wrap: tuple[str, ...] = ()
    """Texts before and after the answer, which are removed."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All markers: special tokens among them are kept in the output, and messages that contain
        them are escaped."""
        return tuple(text for text in (self.opening, self.closing, *self.wrap) if text)


THINK = Markers()
