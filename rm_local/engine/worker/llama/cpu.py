"""How many threads suit this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

SMALL = 64 << 20
"""Bytes of weights below which a second thread waits longer at barriers than it computes."""


def threads_for(weights: int) -> int:
    """Threads that suit a model of this many bytes."""
    return 1 if weights < SMALL else physical_cores()


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads counted once; at least 1."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(usable, _cores() or (usable + 1) // 2))


def _cores() -> int | None:
    """Physical cores; None when the system does not tell."""
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


def peak_memory() -> int:
    """Bytes of memory that this process held at its fullest; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
