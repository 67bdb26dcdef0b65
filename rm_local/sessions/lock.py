"""One program at a time writes to a session's file."""

from __future__ import annotations

import errno
import sys
from typing import IO

_TAKEN = (errno.EACCES, errno.EAGAIN)


def lock_file(file: IO[bytes]) -> bool:
    """Hold `file` until it is closed; False when another program holds it.

    Where the system or the file system knows no such locks, everybody gets it.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
