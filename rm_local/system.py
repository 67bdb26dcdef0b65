"""Measures the cores and free memory of this machine, and the memory of this process."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

COMMAND_TIMEOUT = 5
"""Time limit in seconds for a command of the operating system that this module runs."""


def count_usable_processors() -> int:
    """Return the number of logical processors that this process may use; at least 1."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def count_physical_cores() -> int:
    """Return the number of physical cores that this process may use; at least 1.

    Where the system does not state it, half of the logical processors are assumed to be cores.
    """
    usable = count_usable_processors()
    return max(1, min(usable, _count_physical_machine_cores() or (usable + 1) // 2))


def _count_physical_machine_cores() -> int | None:
    """Count the physical cores of the machine; None if the system does not state them.

    On macOS, only performance cores count.
    """
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "hw.perflevel0.physicalcpu"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return int(found) if found.isdigit() else None
    try:
        return parse_physical_core_count(Path("/proc/cpuinfo").read_text())
    except OSError:
        return None


def parse_physical_core_count(cpuinfo: str) -> int | None:
    """Count the physical cores in the text of /proc/cpuinfo; None if it does not list them."""
    sockets = re.findall(r"^physical id\s*: (\d+)$", cpuinfo, re.MULTILINE)
    cores = re.findall(r"^core id\s*: (\d+)$", cpuinfo, re.MULTILINE)
    return len(set(zip(sockets, cores, strict=False))) or None


def resident_mb() -> float | None:
    """Return the resident memory of this process in MB (VmRSS); None if it is not known."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def get_peak_memory_or_zero() -> int:
    """Return the peak resident memory of this process in bytes; 0 if it is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def exit_when_parent_ends() -> None:
    """Start a thread that ends this process, with exit code 1, once its parent process has ended.

    Otherwise a process that waits for its next task would wait for ever. No effect in a process
    that was not started by multiprocessing.
    """
    from multiprocessing import parent_process
    from threading import Thread

    if parent := parent_process():
        Thread(target=_exit_process_after, args=(parent.join,), daemon=True).start()


def _exit_process_after(wait: Callable[[], None]) -> None:
    """Call `wait`, then end this process at once with exit code 1."""
    wait()
    os._exit(1)


def measure_free_memory() -> int | None:
    """Return the number of bytes that can be allocated without swapping; None if not known."""
    try:
        if sys.platform == "darwin":
            return _read_mac_free_memory()
        return _read_windows_free_memory() if sys.platform == "win32" else _read_linux_free_memory()
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return None


def _read_linux_free_memory() -> int | None:
    """Return the free bytes of the machine, or of the container if those are fewer."""
    free = parse_meminfo_available(Path("/proc/meminfo").read_text(encoding="ascii"))
    limit = _read_cgroup_free_memory(Path("/sys/fs/cgroup"))
    return free if limit is None or free is None else min(free, limit)


def parse_meminfo_available(text: str) -> int | None:
    """Return the bytes of `MemAvailable` in the text of /proc/meminfo; None without that line."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _read_cgroup_free_memory(group: Path) -> int | None:
    """Return the bytes that a container can still allocate: its limit minus its used memory.

    `group` is the folder of its cgroup. Its inactive page cache counts as free. None if it has no
    memory limit.
    """
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    if most == "max":
        return None
    cached = re.search(r"^inactive_file (\d+)$", stat, re.MULTILINE)
    return max(0, int(most) - used + (int(cached[1]) if cached else 0))


def _read_mac_free_memory() -> int | None:
    command = ["/usr/bin/vm_stat"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=COMMAND_TIMEOUT
    )
    return parse_vm_stat_free(done.stdout)


def parse_vm_stat_free(text: str) -> int | None:
    """Return the free bytes from the output of vm_stat; None if it cannot be parsed.

    Free, inactive, speculative and purgeable pages count.
    """
    size = re.search(r"page size of (\d+) bytes", text)
    pages = re.findall(r"^Pages (?:free|inactive|speculative|purgeable):\s+(\d+)\.", text, re.M)
    return int(size[1]) * sum(map(int, pages)) if size and pages else None


class _MemoryStatus(ctypes.Structure):
    """The structure MEMORYSTATUSEX, which the Windows API fills with sizes of memory in bytes."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        *((name, ctypes.c_uint64) for name in ("total", "free", "pages", "free_pages")),
        *((name, ctypes.c_uint64) for name in ("virtual", "free_virtual", "extended")),
    )


def _read_windows_free_memory() -> int | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (other systems have no windll)
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
