"""Fresh entries into their clusters, before anything else is done with them."""

from __future__ import annotations

from rm_local.memory import dense, fresh
from rm_local.memory.meta import number_or_zero
from rm_local.memory.tidy.work import Tools

STEP = 128
"""Entries of one step."""


class Settle:
    """Gives all fresh entries their clusters, and their words to the index."""

    name = "fresh entries"

    def __init__(self, tools: Tools) -> None:
        self._tools, self._connection = tools, tools.connection
        self._centres: dense.Centres | None = None
        self._generation = 0

    def left(self) -> int:
        """Entries."""
        return fresh.count(self._connection)

    def step(self, until: float) -> dict[str, int]:
        """The STEP oldest."""
        if not self.left():
            return {}
        tools = self._tools
        settled = fresh.settle(self._connection, self._read(), tools.quantiser, tools.packer, STEP)
        return {"fresh entries given clusters": settled}

    def _read(self) -> dense.Centres:
        """The centres, read again where another process has changed them between two steps."""
        generation = number_or_zero(self._connection, "generation")
        if self._centres is None or generation != self._generation:
            self._centres = dense.read_centres(self._connection, self._tools.dimension)
            self._generation = generation
        return self._centres
