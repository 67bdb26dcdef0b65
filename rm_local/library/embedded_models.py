"""The models that come with rm-local: rm-nano as a file, rm-small with the extra `small`.

A setting or an option names them where it could name a file. Which one runs when nothing is named
is decided here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.errors import ModelMissing, RmLocalError, Stopped
from rm_local.paths import shipped_model
from rm_local.settings import EMBEDDED_MODELS, Settings

if TYPE_CHECKING:
    from rm_local.gguf import GgufFiles

RM_NANO, RM_SMALL = map(Path, EMBEDDED_MODELS)
PREFERRED = RM_NANO
"""What runs when no model is named. If it is rm-small and that is not installed, rm-nano runs."""

Report = Callable[[float], None]
Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """What runs when no model is named."""

    model: Path
    """rm-nano's file, or RM_SMALL."""
    notice: str = ""
    """Why it is not the preferred one."""


def choose_default() -> DefaultModel:
    """The preferred model, or rm-nano where it is not installed. Reads no file."""
    if PREFERRED == RM_SMALL:
        from rm_local.library.rm_small_sources import find_sources

        try:
            find_sources()
        except ModelMissing as error:
            return DefaultModel(shipped_model(), _explain_fallback(error))
        return DefaultModel(RM_SMALL)
    return DefaultModel(shipped_model())


def resolve_model(settings: Settings) -> Path:
    """The settings' model, or else the default: a file, or RM_SMALL."""
    if settings.model is None:
        return choose_default().model
    return shipped_model() if settings.model == RM_NANO else settings.model


def read_model_files(model: Path) -> GgufFiles:
    """The headers of a file or an embedded model; rm-small need not be prepared.

    Raises:
        ModelMissing: There is no such file, or rm-small is not installed.
        ModelInvalid: A file is no GGUF, or is damaged in its header.
        EngineError: There is no cache folder for rm-small.
    """
    from rm_local.gguf import read_files

    if model == RM_SMALL:
        from rm_local.library.rm_small import find_rm_small

        return find_rm_small().read()
    return read_files(shipped_model() if model == RM_NANO else model)


def prepare_model(model: Path, report: Report, announce: Announce) -> Path:
    """The file to load. rm-small's is made where it is missing, as `prepare_rm_small` does.

    Raises:
        ModelMissing, ModelInvalid, EngineError: As `prepare_rm_small`.
    """
    if model == RM_SMALL:
        from rm_local.library.rm_small import prepare_rm_small

        return prepare_rm_small(report, announce)
    return shipped_model() if model == RM_NANO else model


async def prepare_model_in_thread(
    model: Path, report: Report, announce: Announce, *, is_default: bool = False
) -> Path:
    """The file to load, as `prepare_model`; cancelling the task ends the work.

    With `is_default` rm-nano takes the place of what cannot be prepared, and `announce` gets the
    reason. Both callbacks are called in the event loop's thread.
    """
    if model != RM_SMALL:
        return prepare_model(model, report, announce)
    loop, cancelled = asyncio.get_running_loop(), threading.Event()

    def report_unless_cancelled(share: float) -> None:
        if cancelled.is_set():
            raise Stopped("The model is not needed any more.")
        loop.call_soon_threadsafe(report, share)

    def announce_from_thread(text: str) -> None:
        loop.call_soon_threadsafe(announce, text)

    try:
        return await asyncio.to_thread(
            prepare_model, model, report_unless_cancelled, announce_from_thread
        )
    except asyncio.CancelledError:
        cancelled.set()
        raise
    except RmLocalError as error:
        if not is_default:
            raise
        announce(_explain_fallback(error))
        return shipped_model()


def _explain_fallback(error: RmLocalError) -> str:
    return f"rm-nano runs in place of rm-small: {error.message} {error.remedy}"
