"""The embedded models: rm-nano, a shipped file, and rm-small, which the extra `small` installs.

Settings and options accept `rm-nano` and `rm-small` in place of a file. This module also chooses
the model for users who name none.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.errors import CancelledByUserError, ModelNotFoundError, RmLocalError
from rm_local.paths import shipped_model
from rm_local.settings import EMBEDDED_MODELS, Settings

if TYPE_CHECKING:
    from rm_local.gguf import GgufFiles

RM_NANO, RM_SMALL = map(Path, EMBEDDED_MODELS)
PREFERRED = RM_NANO
"""The default model; rm-nano is used in its place if it is not installed."""

Report = Callable[[float], None]
Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DefaultModelChoice:
    """The model that is used if the user names none, and why."""

    model: Path
    """Path of rm-nano's file, or the name RM_SMALL."""
    notice: str = ""
    """Sentence for the user if the preferred model cannot be used; otherwise empty."""


def choose_preferred_or_shipped_model() -> DefaultModelChoice:
    """Choose the default model: PREFERRED or, if it is not installed, rm-nano. No file is read."""
    if PREFERRED == RM_SMALL:
        from rm_local.library.rm_small_sources import find_rm_small_base_and_adapter

        try:
            find_rm_small_base_and_adapter()
        except ModelNotFoundError as error:
            return DefaultModelChoice(shipped_model(), _explain_fallback(error))
        return DefaultModelChoice(RM_SMALL)
    return DefaultModelChoice(shipped_model())


def choose_settings_or_default_model(settings: Settings) -> Path:
    """Return the model of the settings, or else the default model: a path, or the name RM_SMALL."""
    if settings.model is None:
        return choose_preferred_or_shipped_model().model
    return shipped_model() if settings.model == RM_NANO else settings.model


def read_or_predict_model_headers(model: Path) -> GgufFiles:
    """Read the headers of a model's files; `model` is a path, or the name of an embedded model.

    If rm-small is not merged yet, its future header is predicted.

    Raises:
        ModelNotFoundError: There is no such file, or rm-small is not installed.
        InvalidModelError: A file is not a GGUF file, or its header is damaged.
        EngineError: There is no cache folder for rm-small.
    """
    from rm_local.gguf import read_headers_of_existing_parts

    if model == RM_SMALL:
        from rm_local.library.rm_small import find_rm_small_paths

        return find_rm_small_paths().read_or_predict_headers()
    return read_headers_of_existing_parts(shipped_model() if model == RM_NANO else model)


def ensure_model_file(model: Path, report: Report, announce: Announce) -> Path:
    """Return the path of the file to load; for rm-small, write that file first if it is missing.

    Whether the file of another model exists is not checked. `report` gets the completed share, 0 to
    1; `announce` gets a sentence before the file is written.

    Raises:
        ModelNotFoundError, InvalidModelError, EngineError: See `ensure_rm_small_file`.
    """
    if model == RM_SMALL:
        from rm_local.library.rm_small import ensure_rm_small_file

        return ensure_rm_small_file(report, announce)
    return shipped_model() if model == RM_NANO else model


async def ensure_model_file_in_thread(
    model: Path, report: Report, announce: Announce, *, is_default: bool = False
) -> Path:
    """Call `ensure_model_file` in a thread, and return its path; cancelling the task ends the work.

    With `is_default`, rm-nano replaces a model that cannot be prepared, and `announce` gets the
    reason. Both callbacks are called in the event loop's thread.
    """
    if model != RM_SMALL:
        return ensure_model_file(model, report, announce)
    loop, cancelled = asyncio.get_running_loop(), threading.Event()

    def report_unless_cancelled(share: float) -> None:
        if cancelled.is_set():
            raise CancelledByUserError("The model is no longer needed.")
        loop.call_soon_threadsafe(report, share)

    def announce_from_thread(text: str) -> None:
        loop.call_soon_threadsafe(announce, text)

    try:
        return await asyncio.to_thread(
            ensure_model_file, model, report_unless_cancelled, announce_from_thread
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
    """Return the notice that rm-nano is used instead of rm-small because of `error`."""
    return f"rm-nano is used instead of rm-small: {error.message} {error.remedy}"
