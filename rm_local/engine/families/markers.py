"""The texts in a model's output that separate thinking and answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers in a model's output; `Family` defines the white space around them."""

    opening: str = "<think>"
    closing: str = "</think>"
    header_end: str = ""
    """Text at the end of a channel's header, which follows `closing`; empty = no channels."""
    header_thinks: str = ""
    """Text in the header of a thinking channel; a header without it opens the answer."""
    wrap: tuple[str, ...] = ()
    """Two texts that enclose the answer and are removed; empty = no such texts."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All markers. In output they are kept as text; in messages they are escaped."""
        return tuple(text for text in (self.opening, self.closing, *self.wrap) if text)


THINK = Markers()
