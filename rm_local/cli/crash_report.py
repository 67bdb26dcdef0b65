"""Saves the traceback of an unexpected error to a file, and makes a short message of it."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rm_local import __version__, paths
from rm_local.errors import RmLocalError, SettingsError
from rm_local.files import write_bytes_atomically


def write_crash_report(error: Exception) -> RmLocalError:
    """Write the traceback of `error` to a file; return an error to show, which names the file."""
    trace = "".join(traceback.format_exception(error))
    now = datetime.now()
    header = f"rm-local {__version__}, Python {platform.python_version()}, {platform.platform()}"
    name = f"crash-{now:%Y%m%d-%H%M%S-%f}.log"
    path = _save_report(name, f"{now:%Y-%m-%d %H:%M:%S}\n{header}\n\n{trace}")
    saved = f"the details are in {path}" if path else "its details could not be saved anywhere"
    remedy = f"This is a bug in rm-local; {saved}."
    first_line = next(iter(str(error).splitlines()), "")
    return RmLocalError(f"{type(error).__name__}: {first_line}", remedy)


def _save_report(name: str, text: str) -> Path | None:
    """Write the text to the first writable folder; return the file's path, or None without one."""
    for folder in _list_possible_report_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(folder / name, text.encode("utf-8", "backslashreplace"))
        except OSError:
            continue
        return folder / name
    return None


def _list_possible_report_folders() -> Iterator[Path]:
    """Yield the folders to try for a report: that of logs, then the system's temporary folder."""
    with suppress(SettingsError):  # there is no home folder
        yield paths.log_dir()
    with suppress(OSError):
        yield Path(tempfile.gettempdir())
