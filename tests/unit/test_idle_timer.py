"""What happens when nothing has been under way for a while."""

from __future__ import annotations

import asyncio

from rm_local.idle_timer import IdleTimer

SOON = 1e-4
"""Seconds."""


class Acts:
    """What an IdleTimer does: counted, and waited for."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()

    async def __call__(self) -> None:
        self.happened.set()


async def test_it_acts_once_nothing_has_been_under_way() -> None:
    """The seconds run from the end of what was under way, once."""
    acts = Acts()
    idle = IdleTimer(SOON, acts)
    assert not idle.is_running

    with idle.mark_busy():
        assert not idle.is_running
    assert idle.is_running
    await acts.happened.wait()

    assert not idle.is_running


async def test_the_seconds_do_not_run_while_anything_is_under_way() -> None:
    """Also when one of two things has ended; the next thing stops them again."""
    idle = IdleTimer(3600, Acts())

    with idle.mark_busy():
        with idle.mark_busy():
            pass
        assert not idle.is_running
    assert idle.is_running
    with idle.mark_busy():
        assert not idle.is_running
    idle.stop()

    assert not idle.is_running


async def test_closing_waits_for_what_has_begun() -> None:
    """Nothing is left half done after it."""
    begun, ended = asyncio.Event(), False

    async def act() -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(0)
        ended = True

    idle = IdleTimer(SOON, act)
    with idle.mark_busy():
        pass
    await begun.wait()
    await idle.close()

    assert ended


async def test_no_seconds_are_never() -> None:
    """0 is how a user says that the model is to stay."""
    idle = IdleTimer(0, Acts())

    with idle.mark_busy():
        pass

    assert not idle.is_running
