"""Lets only one program at a time write to a session's file."""

from __future__ import annotations

import errno
import sys
from typing import IO

_TAKEN = (errno.EACCES, errno.EAGAIN)


def lock_file(file: IO[bytes]) -> bool:
    """Lock `file` until it is closed; False if another program has locked it.

    True without a lock if the system or the file system does not support locks.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
