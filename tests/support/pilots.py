"""Textual's pilots, made to wait for the app's work and not for a time."""

from __future__ import annotations

import asyncio

import textual.app
import textual.pilot
from textual._wait import wait_for_idle

from tests.support.watchdog import HANG_SECONDS

ROUNDS = 100
"""Of the event loop; in each, everything that is ready to run is run, however long it takes. A key
sets off a few messages from widget to widget, each of which takes a round or two."""


async def run_rounds(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Let the event loop run ROUNDS times, then wait as Textual does.

    Textual alone takes an app for idle that has got no processor time for 20 ms.
    """
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
    await wait_for_idle(min_sleep, max_sleep)


def make_pilots_patient() -> None:
    """Do so for all pilots of this process."""
    textual.app.wait_for_idle = textual.pilot.wait_for_idle = run_rounds  # type: ignore[attr-defined]
    textual.pilot.Pilot._wait_for_screen.__defaults__ = (HANG_SECONDS,)
