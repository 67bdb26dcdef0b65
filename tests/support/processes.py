"""What the processes that this one has started hold in memory, as Linux reports it."""

from __future__ import annotations

import asyncio
import os
import select
from pathlib import Path

from tests.support.watchdog import HANG_SECONDS


def below(parent: int) -> list[int]:
    """Numbers of the process's children and of theirs."""
    children = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == parent]
    return [*children, *(deeper for child in children for deeper in below(child))]


def resident(pid: int) -> int:
    """Bytes of memory that the process holds now; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def computed(pid: int) -> float:
    """Seconds for which the process has computed, all threads together; 0 when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until_computed(pid: int, before: float) -> None:
    """Wait until the process has computed for longer than `before`, its `computed` when idle."""
    while computed(pid) == before:
        await asyncio.sleep(0.001)


def has_ended(pid: int) -> bool:
    """Whether the process has ended, or comes to its end without being stopped."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(HANG_SECONDS * 1000))
    finally:
        os.close(handle)


def _parent(process: Path) -> int:
    """The number of a process's parent; 0 when it has ended meanwhile."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
