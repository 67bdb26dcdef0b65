"""Opens model and store after the first draw of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rm_local.errors import RmLocalError
from rm_local.tui.messages import ModelReady, OpeningFailed, StoreReady

if TYPE_CHECKING:
    from textual.message import Message

    from rm_local.tui.chat_state import Backend


async def open_backend_and_post_results(
    backend: Backend, post: Callable[[Message], object]
) -> None:
    """Load the model, then open the store; post `ModelReady` and `StoreReady`.

    The first error is posted as `OpeningFailed` and ends the call.
    """
    try:
        info = await backend.load_model()
    except Exception as error:
        post(OpeningFailed(to_rm_local_error(error), of_model=True))
        return
    post(ModelReady(info))
    try:
        await backend.ensure_stores_and_embedder_open()
    except Exception as error:
        post(OpeningFailed(to_rm_local_error(error), of_model=False))
        return
    post(StoreReady())


def to_rm_local_error(error: Exception) -> RmLocalError:
    """Return an `RmLocalError` unchanged; convert any other error to a report of a bug."""
    if isinstance(error, RmLocalError):
        return error
    return RmLocalError(f"{type(error).__name__}: {error}", "Report this fault of rm-local.")
