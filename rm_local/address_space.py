"""Lets a process live with limits (`ulimit -v`, `-d`, `-u`), or end with an error of its own.

Libraries in C do not raise an error where memory is short: OpenBLAS, which numpy loads, ends the
process, and Python waits forever for a thread that has no memory to start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import ModuleType

from rm_local.errors import make_memory_error

if sys.platform != "win32":
    import _thread
    import resource

NUMPY_BYTES = 150 << 20
"""Address space that numpy needs: 84 MB, 32 MB for its first matrix product, and some for what is
imported between the two; measured with numpy 2.4 and one thread."""
_PLENTY_BYTES = 2 << 30
"""Free address space from which a limit changes nothing."""
_MANY_PROCESSES = 256
"""Limit of the user's processes and threads from which it changes nothing."""
_THREAD_STACK_BYTES = 1 << 20
"""Address space of a thread's stack under a limit; 8 MB is usual."""


class _NumpyMemoryGuard:
    """Import hook that raises MemoryError in place of importing numpy without enough memory."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Check the memory before the import of numpy; other finders find the module."""
        if name != "numpy":
            return
        free = count_free_address_space()
        if free is not None and free < NUMPY_BYTES:
            raise MemoryError(f"numpy needs {NUMPY_BYTES >> 20} MB")


def reduce_threads_and_memory_if_limited() -> None:
    """Use less in this process and its children if the system limits memory, threads or processes.

    OpenBLAS has one thread then. Under a limit of memory threads get small stacks, and numpy is not
    imported if it does not fit.
    """
    if sys.platform == "win32":
        return
    free, processes = count_free_address_space(), resource.getrlimit(resource.RLIMIT_NPROC)[0]
    little = free is not None and free < _PLENTY_BYTES
    if little or (processes != resource.RLIM_INFINITY and processes < _MANY_PROCESSES):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if little:
        _thread.stack_size(_THREAD_STACK_BYTES)
        sys.meta_path.insert(0, _NumpyMemoryGuard())


def require_address_space(needed: int) -> None:
    """Check that the limit of this process leaves it `needed` bytes of memory.

    Raises:
        InsufficientMemoryError: It leaves less.
    """
    free = count_free_address_space()
    if free is not None and free < needed:
        raise make_memory_error()


def count_free_address_space() -> int | None:
    """Return how many bytes the limit of this process leaves it; None without a limit."""
    if sys.platform != "linux":
        return None
    sizes = None
    left = []
    for kind, column in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        limit = resource.getrlimit(kind)[0]
        if limit == resource.RLIM_INFINITY:
            continue
        if sizes is None:
            with open("/proc/self/statm", encoding="ascii") as file:
                sizes = file.read().split()
        left.append(max(0, limit - int(sizes[column]) * resource.getpagesize()))
    return min(left, default=None)
