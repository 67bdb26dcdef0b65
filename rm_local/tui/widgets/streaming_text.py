"""Text that grows. Only its last block is laid out again, so long branches stay cheap to draw."""

from __future__ import annotations

from textual.containers import Vertical

from rm_local.engine import Part
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

    def show(self, thinking: str, answer: str) -> None:
        """Draw what has come since the last call."""
        self._grow("thinking", thinking.lstrip())
        self._grow("answer", answer.lstrip())

    def _grow(self, part: Part, text: str) -> None:
        rest = text[self._settled[part] :]
        while len(rest) > BLOCK:
            cut = rest.rfind("\n", 1, BLOCK) + 1 or rest.rfind(" ", 1, BLOCK) + 1 or BLOCK
            self._block(part).put(formatting.plain(rest[:cut].removesuffix("\n")))
            del self._growing[part]
            self._settled[part] += cut
            rest = rest[cut:]
        if rest:
            self._block(part).put(formatting.plain(rest))

    def _block(self, part: Part) -> Line:
        if part not in self._growing:
            self._growing[part] = Line(classes=part)
            self.mount(self._growing[part])
        return self._growing[part]
