"""Runs tasks in several processes, or in the current one if one is enough."""

from __future__ import annotations

import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

from rm_local.errors import StoreError
from rm_local.progress import DoneCallback
from rm_local.system import exit_when_parent_ends

Result = TypeVar("Result")

POLL_S = 0.5
"""Seconds between two reports of the progress of tasks in other processes."""

_progress: Any = None
"""Array of the finished rows of each task, shared with the parent; None outside the pool."""


class TaskPool:
    """A pool of processes for the tasks of a build, started when first needed.

    A pool of one process runs the tasks in the current process.
    """

    def __init__(self, processes: int, tasks: int) -> None:
        """Make a pool of `processes`; `run_tasks` can be given at most `tasks` tasks."""
        self.processes = processes
        self._context = multiprocessing.get_context("spawn")
        self._progress = self._context.Array("q", max(tasks, 1), lock=False)
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._collects = gc.isenabled()
        _disable_gc()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._collects:
            gc.enable()
        if self._executor is not None:
            if kind is not None:
                for process in multiprocessing.active_children():
                    process.terminate()
            self._executor.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise StoreError(
                "A process of the build was terminated, perhaps because memory was short.",
                "Start the build again: it continues where it stopped.",
            ) from error

    def run_tasks(
        self, work: Callable[[Any, DoneCallback], None], tasks: Sequence[Any], on_done: DoneCallback
    ) -> None:
        """Call `work(task, on_task_done)` for each of `tasks`; return when all have ended.

        `work` passes the number of its task's finished rows to `on_task_done`; `on_done` regularly
        gets the sum over all tasks.
        """
        if self.processes == 1:
            sums = [0] * len(tasks)
            for place, task in enumerate(tasks):

                def on_task_done(done: int, place: int = place) -> None:
                    sums[place] = done
                    on_done(sum(sums))

                work(task, on_task_done)
            return
        waiting: set[Future[None]] = {
            self._ensure_executor().submit(_run_task, work, task, place)
            for place, task in enumerate(tasks)
        }
        while waiting:
            done, waiting = wait(waiting, POLL_S, return_when="FIRST_EXCEPTION")
            for each in done:
                each.result()
            on_done(sum(self._progress[: len(tasks)]))

    def map_ahead(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """Yield `work(*task)` for each of `tasks`, in their order.

        The other processes compute as many results ahead as there are processes.
        """
        if self.processes == 1:
            yield from (work(*task) for task in tasks)
            return
        under_way: deque[Future[Result]] = deque()
        for task in tasks:
            under_way.append(self._ensure_executor().submit(work, *task))
            if len(under_way) > self.processes:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _ensure_executor(self) -> ProcessPoolExecutor:
        """Return the executor with the pool's processes; start it at the first call."""
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.processes, self._context, _init_process, (self._progress,)
            )
        return self._executor


def _init_process(progress: Any) -> None:
    """Prepare a new process of the pool: shared progress, one thread for numpy, end with parent."""
    global _progress
    _progress = progress
    _disable_gc()
    # The processes already take all cores, so numpy gets one thread in each.
    import_module("numpy")
    threadpool_limits(1)
    exit_when_parent_ends()


def _disable_gc() -> None:
    """Disable Python's cyclic garbage collection: a build has many small objects without cycles."""
    gc.disable()


def _run_task(work: Callable[[Any, DoneCallback], None], task: Any, place: int) -> None:
    """Run `work` on the task in a process of the pool; share its progress at position `place`."""

    def on_done(done: int) -> None:
        _progress[place] = done

    work(task, on_done)
