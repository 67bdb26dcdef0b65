"""Runs a function in a process without memory or caches of earlier work, with progress."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from typing import Any, TypeVar

from rm_local.progress import ProgressMeter

POLL_S = 0.2
"""Seconds between two looks at the number of units done in the other process."""
Result = TypeVar("Result")
_counted: Any = None
"""In the other process: the shared number of units done."""


def run_in_fresh_process_counting_units(
    work: Callable[..., Result], arguments: Sequence[object], meter: ProgressMeter
) -> Result:
    """Call `work(*arguments, count_unit)` in a new process, and return its result.

    `work` calls `count_unit` after each unit of its work; `meter` reports their number.
    """
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(1, context, _keep_shared_counter, (counter,)) as pool:
        future = pool.submit(_call_with_unit_counter, work, arguments)
        while not future.done():
            wait([future], POLL_S)
            meter.report_units_done(counter.value)
        return future.result()


def _keep_shared_counter(counter: Any) -> None:
    """Keep the shared counter in the new process, which takes it only at its start."""
    global _counted
    _counted = counter


def _call_with_unit_counter(work: Callable[..., Result], arguments: Sequence[object]) -> Result:
    return work(*arguments, _count_unit)


def _count_unit() -> None:
    with _counted.get_lock():
        _counted.value += 1
