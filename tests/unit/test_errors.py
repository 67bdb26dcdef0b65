"""Lack of memory is recognized in whatever form it is reported."""

from __future__ import annotations

import errno
import os

import pytest

from rm_local.errors import is_caused_by_memory_shortage


def raised_while_handling(first: Exception, second: Exception) -> Exception:
    """Return `second` as it is after it was raised in the handling of `first`."""
    try:
        try:
            raise first
        except Exception:
            raise second  # noqa: B904  # as a library does that only cleans up
    except Exception as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("can't start new thread"),
        ImportError("a.so: failed to map segment from shared object"),
        raised_while_handling(MemoryError(), ImportError("")),
    ],
    ids=repr,
)
def test_lack_of_memory_is_recognized(error: Exception) -> None:
    """As Python's own error, the system's, a library's, or the reason of another error."""
    assert is_caused_by_memory_shortage(error)


@pytest.mark.parametrize(
    "error", [ValueError("memory"), raised_while_handling(KeyError(), OSError())]
)
def test_other_errors_are_none_of_memory(error: Exception) -> None:
    """An error that only speaks of memory, or was raised in the handling of a common one."""
    assert not is_caused_by_memory_shortage(error)
