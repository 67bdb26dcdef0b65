"""Text that grows. Only its last block is laid out again, so long branches stay cheap to draw."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Vertical

from rm_local.engine import Part
from rm_local.loop import Span
from rm_local.tui import formatting
from rm_local.tui.widgets.text_line import Line

BLOCK = 1500
"""Characters after which a block is closed, at a line's end if there is one."""


class Streamed(Vertical):
    """Thinking, dim, and below it the answer. Both may only grow."""

    def __init__(self) -> None:
        super().__init__()
        self._settled: dict[Part, int] = {"thinking": 0, "answer": 0}
        self._growing: dict[Part, Line] = {}

    def show(
        self,
        thinking: str,
        answer: str,
        thinking_forced: Sequence[Span] = (),
        answer_forced: Sequence[Span] = (),
    ) -> None:
        """Draw what has come since the last call; what the calculator wrote is dim."""
        self._grow("thinking", thinking, thinking_forced)
        self._grow("answer", answer, answer_forced)

    def _grow(self, part: Part, text: str, spans: Sequence[Span]) -> None:
        begin = len(text) - len(text.lstrip()) + self._settled[part]
        rest = text[begin:]
        while len(rest) > BLOCK:
            cut = rest.rfind("\n", 1, BLOCK) + 1 or rest.rfind(" ", 1, BLOCK) + 1 or BLOCK
            block = rest[:cut].removesuffix("\n")
            self._block(part).put(formatting.dim_spans(block, _shift(spans, begin)))
            del self._growing[part]
            self._settled[part] += cut
            begin += cut
            rest = rest[cut:]
        if rest:
            self._block(part).put(formatting.dim_spans(rest, _shift(spans, begin)))

    def _block(self, part: Part) -> Line:
        if part not in self._growing:
            self._growing[part] = Line(classes=part)
            self.mount(self._growing[part])
        return self._growing[part]


def _shift(spans: Sequence[Span], begin: int) -> list[Span]:
    """The spans as they are in the text from `begin` on."""
    return [(start - begin, end - begin) for start, end in spans if end > begin]
