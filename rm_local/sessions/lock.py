"""Locks a session's file, so that only one program at a time writes to it."""

from __future__ import annotations

import errno
import sys
from typing import IO

_TAKEN = (errno.EACCES, errno.EAGAIN)


def try_lock_file(file: IO[bytes]) -> bool:
    """Lock `file` until it is closed; return False if another program has locked it.

    Where locks are not supported, no lock is taken and the result is True.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
