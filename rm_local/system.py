"""How much memory is free."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

PATIENCE = 5
"""Seconds to wait for a system's own command."""


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
