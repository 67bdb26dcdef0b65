"""An error that nobody foresaw: one line for the person, the rest into a file."""

from __future__ import annotations

import platform
import traceback
from datetime import datetime

from rm_local import __version__, settings
from rm_local.errors import RmLocalError


def crashed(error: Exception) -> RmLocalError:
    """What to tell the person, with where the traceback was written."""
    trace = "".join(traceback.format_exception(error))
    now = datetime.now()
    path = settings.log_dir() / f"crash-{now:%Y%m%d-%H%M%S-%f}.log"
    header = f"rm-local {__version__}, Python {platform.python_version()}, {platform.platform()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{now:%Y-%m-%d %H:%M:%S}\n{header}\n\n{trace}", encoding="utf-8")
        remedy = f"This is a fault of rm-local's; the details are in {path}."
    except OSError as unwritten:
        remedy = f"This is a fault of rm-local's; no details were saved: {unwritten}."
    said = next(iter(str(error).splitlines()), "")
    return RmLocalError(f"{type(error).__name__}: {said}", remedy)
