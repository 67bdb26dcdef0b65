"""What the machine has, and processes that end with the one that started them."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local import system
from rm_local.system import (
    count_physical_cores,
    count_usable_processors,
    get_peak_memory_or_zero,
    measure_free_memory,
    parse_meminfo_available,
    parse_physical_core_count,
    parse_vm_stat_free,
    resident_mb,
)
from tests.support.processes import has_ended

ORPHAN = """
import multiprocessing, os, signal, sys, time
from rm_local.system import exit_when_parent_ends

def child(sender):
    exit_when_parent_ends()
    sender.send(os.getpid())
    time.sleep(3600)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    context.Process(target=child, args=(sender,)).start()
    print(receiver.recv(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_free_memory_is_read_on_each_system() -> None:
    """Linux reports kilobytes that are available, a Mac pages of several kinds."""
    meminfo = "MemTotal:       32000 kB\nMemFree:         1000 kB\nMemAvailable:   20000 kB\n"
    vm_stat = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               10.\n"
        "Pages active:                            999.\n"
        "Pages inactive:                           20.\n"
        "Pages speculative:                         3.\n"
        "Pages purgeable:                           4.\n"
    )

    assert parse_meminfo_available(meminfo) == 20000 * 1024
    assert parse_vm_stat_free(vm_stat) == 37 * 16384
    assert parse_meminfo_available("") is parse_vm_stat_free("") is None
    assert measure_free_memory() is None or measure_free_memory() > 0  # type: ignore[operator]


def test_hyper_threads_count_once() -> None:
    """Two logical processors of one core are one core; two sockets' first cores are two."""
    lines = [("0", "0"), ("0", "1"), ("0", "0"), ("1", "0")]
    text = "\n\n".join(f"physical id\t: {socket}\ncore id\t\t: {core}" for socket, core in lines)

    assert parse_physical_core_count(text) == 3
    assert parse_physical_core_count("processor : 0") is None


def test_cores_are_no_more_than_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is kept to one processor has one core, whatever the machine has."""
    assert 1 <= count_physical_cores() <= count_usable_processors()
    monkeypatch.setattr(system, "count_usable_processors", lambda: 1)
    assert count_physical_cores() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
def test_memory_that_is_taken_shows() -> None:
    """What a process holds now is part of what it held at its fullest, and grows with it."""
    before = resident_mb()
    taken = mmap.mmap(-1, 64_000_000)  # pages that no freed ones stand in for
    for page in range(0, len(taken), mmap.PAGESIZE):
        taken[page] = 1
    after = resident_mb()
    assert before is not None
    assert after is not None
    assert after - before > 50
    assert get_peak_memory_or_zero() / 1e6 > 64 == len(taken) / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="a handle of a process that is no child")
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed, and the child that would sleep for an hour ends."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == -9, done.stderr
    assert has_ended(int(done.stdout))
