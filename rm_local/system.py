"""What this machine has: processors, free memory, and what this process takes of it."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PATIENCE = 5
"""Seconds to wait for a system's own command."""


def usable_cores() -> int:
    """Logical processors that this process may use; at least 1."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads counted once; at least 1."""
    usable = usable_cores()
    return max(1, min(usable, _all_cores() or (usable + 1) // 2))


def _all_cores() -> int | None:
    """Physical cores of the machine; None when the system does not tell."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "hw.perflevel0.physicalcpu"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return int(found) if found.isdigit() else None
    try:
        return count_cores(Path("/proc/cpuinfo").read_text())
    except OSError:
        return None


def count_cores(cpuinfo: str) -> int | None:
    """Different (socket, core) pairs in the text of /proc/cpuinfo; None when it has none."""
    sockets = re.findall(r"^physical id\s*: (\d+)$", cpuinfo, re.MULTILINE)
    cores = re.findall(r"^core id\s*: (\d+)$", cpuinfo, re.MULTILINE)
    return len(set(zip(sockets, cores, strict=False))) or None


def resident_mb() -> float | None:
    """Memory that this process holds now, in MB (VmRSS); None where the system does not tell."""
    held = Path("/proc/self/statm")
    if not held.exists():
        return None
    return int(held.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_memory() -> int:
    """Bytes of memory that this process held at its fullest; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def exit_with_parent() -> None:
    """From now on, end this process as soon as the one that spawned it has ended, in any way.

    A process that waits for its next task would otherwise wait for ever. No effect in a process
    that multiprocessing has not started.
    """
    from multiprocessing import parent_process
    from threading import Thread

    if parent := parent_process():
        Thread(target=_exit_after, args=(parent.join,), daemon=True).start()


def _exit_after(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)


def free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not tell."""
    try:
        if sys.platform == "darwin":
            return _mac()
        return _windows() if sys.platform == "win32" else _linux()
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return None


def _linux() -> int | None:
    free = parse_meminfo(Path("/proc/meminfo").read_text(encoding="ascii"))
    limit = _group_limit(Path("/sys/fs/cgroup"))
    return free if limit is None or free is None else min(free, limit)


def parse_meminfo(text: str) -> int | None:
    """`MemAvailable` of /proc/meminfo, in bytes."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _group_limit(group: Path) -> int | None:
    """What a container may still take; None without a limit. Its page cache can be given back."""
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        told = (group / "memory.stat").read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    if most == "max":
        return None
    cached = re.search(r"^inactive_file (\d+)$", told, re.MULTILINE)
    return max(0, int(most) - used + (int(cached[1]) if cached else 0))


def _mac() -> int | None:
    command = ["/usr/bin/vm_stat"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return parse_vm_stat(done.stdout)


def parse_vm_stat(text: str) -> int | None:
    """Bytes of the pages that vm_stat calls free, inactive, speculative or purgeable."""
    size = re.search(r"page size of (\d+) bytes", text)
    pages = re.findall(r"^Pages (?:free|inactive|speculative|purgeable):\s+(\d+)\.", text, re.M)
    return int(size[1]) * sum(map(int, pages)) if size and pages else None


class _MemoryStatus(ctypes.Structure):
    """Windows' MEMORYSTATUSEX."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        *((name, ctypes.c_uint64) for name in ("total", "free", "pages", "free_pages")),
        *((name, ctypes.c_uint64) for name in ("virtual", "free_virtual", "extended")),
    )


def _windows() -> int | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (other systems have no windll)
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
