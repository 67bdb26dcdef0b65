"""Writes docs/app.svg: a screenshot of the app after one turn, with shipped model and store.

python packaging/screenshot.py ["A question"]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "docs" / "app.svg"
QUESTION = "A rectangle is 7 m long and 4 m wide. What is its area?"
SIZE = (96, 30)


async def main(question: str) -> None:
    """Ask `question` in an app without a terminal, wait for the answer, write the screenshot."""
    from textual.widgets import TextArea

    from rm_local.runtime import Runtime
    from rm_local.settings import Settings
    from rm_local.tui import RmLocalApp

    app = RmLocalApp(Runtime(Settings()))
    async with app.run_test(size=SIZE) as pilot:
        prompt = app.chat.query_one("#prompt", TextArea)
        prompt.cursor_blink = False
        prompt.text = question
        await pilot.press("enter")
        while app.chat.state.turn is None or app.chat.state.is_turn_running:
            await pilot.pause(0.1)
        await pilot.pause(0.5)
        TARGET.write_text(app.export_screenshot(), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["RM_LOCAL_HOME"] = home
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else QUESTION))
