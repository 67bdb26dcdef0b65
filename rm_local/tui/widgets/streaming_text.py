"""A widget for growing text. Only its last block is laid out again, so that drawing is cheap."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Vertical

from rm_local.engine import Part
from rm_local.loop import Span
from rm_local.tui import formatting
from rm_local.tui.widgets.text_line import TextLine

BLOCK = 1500
"""Maximum length in characters of a block, which ends at the end of a line if possible."""


class StreamingText(Vertical):
    """Widget of a branch's thinking (dim) and its answer below; both texts may only grow.

    A text is split into blocks, a widget each, of which only the last is laid out again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._settled: dict[Part, int] = {"thinking": 0, "answer": 0}
        self._growing: dict[Part, TextLine] = {}

    def show_text(
        self,
        thinking: str,
        answer: str,
        thinking_forced: Sequence[Span] = (),
        answer_forced: Sequence[Span] = (),
    ) -> None:
        """Draw the text added since the last call; dim the spans inserted by the calculator."""
        self._draw_added_text("thinking", thinking, thinking_forced)
        self._draw_added_text("answer", answer, answer_forced)

    def _draw_added_text(self, part: Part, text: str, spans: Sequence[Span]) -> None:
        begin = len(text) - len(text.lstrip()) + self._settled[part]
        rest = text[begin:]
        while len(rest) > BLOCK:
            cut = rest.rfind("\n", 1, BLOCK) + 1 or rest.rfind(" ", 1, BLOCK) + 1 or BLOCK
            block = rest[:cut].removesuffix("\n")
            self._get_or_mount_growing_line(part).set_content(
                formatting.sanitize_and_dim_spans(block, _select_and_shift_spans(spans, begin))
            )
            del self._growing[part]
            self._settled[part] += cut
            begin += cut
            rest = rest[cut:]
        if rest:
            self._get_or_mount_growing_line(part).set_content(
                formatting.sanitize_and_dim_spans(rest, _select_and_shift_spans(spans, begin))
            )

    def _get_or_mount_growing_line(self, part: Part) -> TextLine:
        if part not in self._growing:
            self._growing[part] = TextLine(classes=part)
            self.mount(self._growing[part])
        return self._growing[part]


def _select_and_shift_spans(spans: Sequence[Span], begin: int) -> list[Span]:
    """Return the spans relative to position `begin` of the text, without those that end there."""
    return [(start - begin, end - begin) for start, end in spans if end > begin]
