"""Runs a function in a new process with a time limit. A crash becomes an error."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from rm_local.system import exit_when_parent_ends

T = TypeVar("T")

THREADS = (
    "LANCE_CPU_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TOKIO_WORKER_THREADS",
)
"""Environment variables that limit the threads of libraries, which read them when loaded."""


class PeerFailedError(Exception):
    """The function in the other process raised, crashed or took too long; the text says which."""


def run_isolated(work: Callable[..., T], *arguments: object, seconds: float, threads: int) -> T:
    """Return `work(*arguments)`, called in a fresh process whose libraries use `threads` threads.

    Raises:
        PeerFailedError: `work` raised, crashed, or exceeded `seconds`. Its process has ended.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_run_and_send_result, args=(sender, work, arguments), daemon=True
    )
    try:
        with _override_environment(dict.fromkeys(THREADS, str(threads))):
            process.start()
        sender.close()
        if not receiver.poll(seconds):
            raise PeerFailedError(f"not finished after {seconds:,.0f} s")
        done, value = receiver.recv()
    except EOFError:
        process.join()
        raise PeerFailedError(f"its process ended with exit code {process.exitcode}") from None
    finally:
        if process.pid is not None:
            process.kill()
            process.join()
        receiver.close()
    if not done:
        raise PeerFailedError(str(value))
    return value  # type: ignore[no-any-return]  # sent by `_run_and_send_result`, which got it from `work`


def _run_and_send_result(
    sender: Connection, work: Callable[..., T], arguments: tuple[object, ...]
) -> None:
    # The parent handles Ctrl-C. What a library prints must not mix with our standard output.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_when_parent_ends()  # a build of minutes must not outlive a killed parent
    os.dup2(sys.__stderr__.fileno() if sys.__stderr__ else 2, 1)
    try:
        sender.send((True, work(*arguments)))
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        sender.send((False, f"{type(error).__name__}: {first}"))
    sender.close()


@contextmanager
def _override_environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
