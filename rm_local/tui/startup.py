"""Opening what the app needs, behind the window that is already there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rm_local.errors import RmLocalError
from rm_local.tui.messages import MemoryReady, ModelProgress, ModelReady, OpeningFailed

if TYPE_CHECKING:
    from textual.message import Message

    from rm_local.tui.chat_state import Host


async def open_all(host: Host, post: Callable[[Message], object]) -> None:
    """Load the model, then open the store; `post` is told how it goes. Raises nothing."""

    def progress(share: float) -> None:
        post(ModelProgress(share))

    try:
        info = await host.load_model(progress)
    except Exception as error:
        post(OpeningFailed(told(error), of_model=True))
        return
    post(ModelReady(info))
    try:
        await host.open_memory()
    except Exception as error:
        post(OpeningFailed(told(error), of_model=False))
        return
    post(MemoryReady())


def told(error: Exception) -> RmLocalError:
    """The error as one that can be shown; one that nobody foresaw is said to be a fault."""
    if isinstance(error, RmLocalError):
        return error
    return RmLocalError(f"{type(error).__name__}: {error}", "This is a fault of rm-local.")
