"""The markers: texts in a model's output that separate thinking and answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThinkingMarkers:
    """The texts that open and close thinking and answer in the output of a family's models."""

    opening: str = "<think>"
    closing: str = "</think>"
    header_end: str = ""
    """Text that ends the header of a channel, after `closing`; empty = there are no channels."""
    header_thinks: str = ""
    """Text by which the header of a thinking channel is recognized; other channels are answers."""
    wrap: tuple[str, ...] = ()
    """The two texts around the answer, which are removed from it; empty = there are none."""

    @property
    def nonempty_marker_texts(self) -> tuple[str, ...]:
        """All markers that are not empty, without the texts about headers."""
        return tuple(text for text in (self.opening, self.closing, *self.wrap) if text)


THINK = ThinkingMarkers()
"""The usual markers, `<think>` and `</think>`."""
