"""Work shared among processes, or done here where one is enough."""

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
from rm_local.system import exit_with_parent

Result = TypeVar("Result")

LOOK_S = 0.5
"""Between two looks at how far the processes are."""

_told: Any = None
"""In a process of the pool: how far each task is, shared with the process that started it."""


class Pool:
    """`processes` of them, spawned when first needed; with one, all is done in this process."""

    def __init__(self, processes: int, tasks: int) -> None:
        """`tasks` bounds how many tasks `side_by_side` is given."""
        self.processes = processes
        self._context = multiprocessing.get_context("spawn")
        self._told = self._context.Array("q", max(tasks, 1), lock=False)
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._collects = gc.isenabled()
        _stop_collecting()
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
                "A process of the build was ended from outside, perhaps for want of memory.",
                "Start the build again: it goes on where it was.",
            ) from error

    def side_by_side(
        self, work: Callable[[Any, DoneCallback], None], tasks: Sequence[Any], tell: DoneCallback
    ) -> None:
        """`work` on each of `tasks`; `tell` gets the sum of what they tell, now and then."""
        if self.processes == 1:
            sums = [0] * len(tasks)
            for place, task in enumerate(tasks):

                def tell_sum(done: int, place: int = place) -> None:
                    sums[place] = done
                    tell(sum(sums))

                work(task, tell_sum)
            return
        waiting: set[Future[None]] = {
            self._started().submit(_work, work, task, place) for place, task in enumerate(tasks)
        }
        while waiting:
            done, waiting = wait(waiting, LOOK_S, return_when="FIRST_EXCEPTION")
            for each in done:
                each.result()
            tell(sum(self._told[: len(tasks)]))

    def ahead(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """The results of `work` in the order of `tasks`, a few of them made ahead."""
        if self.processes == 1:
            yield from (work(*task) for task in tasks)
            return
        under_way: deque[Future[Result]] = deque()
        for task in tasks:
            under_way.append(self._started().submit(work, *task))
            if len(under_way) > self.processes:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.processes, self._context, _begin, (self._told,)
            )
        return self._executor


def _begin(told: Any) -> None:
    global _told
    _told = told
    _stop_collecting()
    # One thread each: the processes already take all cores. It is numpy's threads that are meant.
    import_module("numpy")
    threadpool_limits(1)
    exit_with_parent()


def _stop_collecting() -> None:
    """Rows are many small objects without cycles: looking for these among them takes long."""
    gc.disable()


def _work(work: Callable[[Any, DoneCallback], None], task: Any, place: int) -> None:
    def tell(done: int) -> None:
        _told[place] = done

    work(task, tell)
