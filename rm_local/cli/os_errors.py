"""Explains errors of the operating system: a disk, a path or a permission is at fault, not code."""

from __future__ import annotations

import errno

from rm_local.errors import RmLocalError
from rm_local.text import one_line

_REMEDIES = {
    errno.ENOSPC: "Free some space, or name a place on another disk.",
    errno.EDQUOT: "Free some space, or name a place on another disk.",
    errno.EACCES: "Change its permissions, or name another place.",
    errno.EPERM: "Change its permissions, or name another place.",
    errno.EROFS: "Name a place that can be written to.",
    errno.EMFILE: "Close other programs, or raise the limit: ulimit -n 4096.",
    errno.ENFILE: "Close other programs.",
    errno.ENOMEM: "Close other programs.",
    errno.EAGAIN: "Close other programs.",
    errno.EIO: "Check the disk.",
    errno.ENAMETOOLONG: "Shorten the path.",
}
_LONGEST = 200
"""Longest part of a path in a message, in characters."""


def translate_os_error(error: OSError) -> RmLocalError | None:
    """Make an error to show of one that the operating system reported; None if it did not."""
    if not error.errno:
        return None
    reason = error.strerror or errno.errorcode.get(error.errno, str(error.errno))
    names = [format_path_for_message(name) for name in (error.filename, error.filename2) if name]
    subject = f"{' and '.join(names)} cannot be used" if names else "The system refused"
    return RmLocalError(f"{subject}: {reason}.", _REMEDIES.get(error.errno, "Check the path."))


def format_path_for_message(name: object) -> str:
    """Return a file's name as one line of limited length."""
    text = one_line(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
