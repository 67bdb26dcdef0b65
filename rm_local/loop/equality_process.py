"""Process that compares pairs of formulas by value with math-verify.

Each input line is a JSON list of two texts; each output line is `true` or `false`.

Run as `python -m rm_local.loop.equality_process`. The formulas come from a model, so the process
limits its own memory and its time for each comparison, and its parent kills it if it does not
reply.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

SECONDS = 2.0
"""Maximum CPU time of one comparison, in seconds; the process is ended at the limit."""
_MEMORY = 512 << 20
"""Maximum address space in bytes, in addition to that in use after the start."""
_KINDS = (LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig())


def are_values_equal(left: str, right: str) -> bool:
    """Return whether `left` and `right` are formulas of equal value, in one order or the other."""
    first, second = _parse_formula(left), _parse_formula(right)
    return bool(first and second) and (
        _are_equal_in_this_order(first, second) or _are_equal_in_this_order(second, first)
    )


def _parse_formula(text: str) -> list[object]:
    """Parse a formula with math-verify; return its candidates, or an empty list."""
    bare = text.strip().strip("$").replace("−", "-")
    # math-verify's own timeouts use signals; the limit here is that of the whole process.
    parsed: list[object] = parse(
        f"${bare}$", extraction_config=_KINDS, parsing_timeout=None, raise_on_error=False
    )
    return parsed


def _are_equal_in_this_order(left: list[object], right: list[object]) -> bool:
    """Return whether math-verify finds `right` equal to `left`; the order can matter."""
    return bool(verify(left, right, timeout_seconds=None, raise_on_error=False))


def serve_comparisons(pairs: BinaryIO, replies: BinaryIO) -> None:
    """Write a line when ready; then, for each line of `pairs`, whether its formulas are equal."""
    replies.write(b"true\n")
    for line in pairs:
        _set_cpu_time_limit(SECONDS)
        equal = are_values_equal(*json.loads(line))
        _set_cpu_time_limit(0)
        replies.write(json.dumps(equal).encode() + b"\n")


def _set_cpu_time_limit(seconds: float) -> None:
    """Limit the CPU time from now to `seconds`: the system then ends this process; 0 = no limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    """Limit the address space of this process to _MEMORY more than now (on Linux)."""
    try:
        import resource
    except ImportError:
        return
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + _MEMORY
        _, given = resource.getrlimit(resource.RLIMIT_AS)
        most = most if given == resource.RLIM_INFINITY else min(most, given)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Serve comparisons over standard input and standard output."""
    logging.disable()
    are_values_equal("1/2", "0.5")  # parts of SymPy are loaded at first use
    _limit_memory()
    with open(1, "wb", buffering=0, closefd=False) as replies:
        serve_comparisons(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
