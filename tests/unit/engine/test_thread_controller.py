"""How many threads decode, from sequences of step times: there is no clock in these tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rm_local.engine.worker.llama.thread_controller import (
    WINDOW,
    ThreadController,
    list_thread_counts_to_try,
)

Machine = Callable[[int], float]
"""Seconds of a step with so many threads."""


def idle(threads: int) -> float:
    """Twice the threads, nearly twice as fast."""
    return 0.010 / float(threads**0.9)


def busy(threads: int) -> float:
    """Other programs run on half of four cores: three or four threads wait for a core."""
    return 0.012 / float(threads**0.9) if threads <= 2 else 0.090


def run(
    controller: ThreadController, machine: Machine, seconds: float, rows: int = 1
) -> dict[int, float]:
    """Seconds spent at each number of threads while steps take what the machine says."""
    spent = dict.fromkeys(range(1, 5), 0.0)
    left = seconds
    while left > 0:
        threads = controller.choose_threads(rows)
        step = machine(threads)
        controller.record_step(rows, step)
        spent[threads] += step
        left -= step
    return {threads: time for threads, time in spent.items() if time}


def steps(controller: ThreadController, machine: Machine, seconds: float, rows: int = 1) -> int:
    """Steps done in that time."""
    count, left = 0, seconds
    while left > 0:
        step = machine(controller.choose_threads(rows))
        controller.record_step(rows, step)
        left -= step
        count += 1
    return count


@pytest.mark.parametrize(
    ("most", "levels"),
    [(1, (1,)), (2, (2, 1)), (4, (4, 3, 2, 1)), (6, (6, 4, 3, 1)), (16, (16, 12, 8, 4, 1))],
)
def test_the_choice_is_among_quarters_of_the_threads(most: int, levels: tuple[int, ...]) -> None:
    """From all threads down to one, each number once."""
    assert list_thread_counts_to_try(most) == levels


def test_an_idle_machine_gives_all_threads() -> None:
    """Trying fewer once costs less than a hundredth of a minute's steps."""
    count = steps(ThreadController(4), idle, 60.0)

    assert count >= 0.99 * 60.0 / idle(4)


def test_one_thread_is_never_changed() -> None:
    """Where there is nothing to choose, slow steps change nothing."""
    controller = ThreadController(1)
    run(controller, idle, 1.0)

    assert set(run(controller, lambda _: 1.0, 60.0)) == {1}


def test_steps_that_stretch_take_threads_away() -> None:
    """Within a few windows of the other programs' start, the fastest number is found."""
    controller = ThreadController(4)
    run(controller, idle, 5.0)
    run(controller, busy, 4 * WINDOW * busy(4))

    assert controller.choose_threads(1) == 2


def test_a_machine_that_was_busy_from_the_start_is_found_out() -> None:
    """Nothing fast was ever seen with four threads, and yet two are taken."""
    controller = ThreadController(4)
    run(controller, busy, 4 * WINDOW * busy(4))

    assert controller.choose_threads(1) == 2


def test_trials_cost_little_while_the_machine_stays_busy() -> None:
    """More threads are tried ever more rarely: nine tenths of the best speed remain."""
    controller = ThreadController(4)
    run(controller, idle, 5.0)

    assert steps(controller, busy, 120.0) >= 0.9 * 120.0 / busy(2)


def test_the_threads_come_back_when_the_machine_is_idle_again() -> None:
    """Also after a long busy time, within the longest pause for each level."""
    controller = ThreadController(4)
    run(controller, busy, 300.0)
    run(controller, idle, 70.0)

    assert controller.choose_threads(1) == 4


def test_a_growing_context_takes_no_thread_away() -> None:
    """Steps that grow tenfold over thousands of steps are no reason for a trial after the first."""
    controller = ThreadController(2)
    run(controller, idle, 1.0)
    used = set()
    for number in range(20_000):
        used.add(controller.choose_threads(1))
        controller.record_step(1, idle(controller.choose_threads(1)) * (1 + number / 2000))

    assert used == {2}


def test_a_single_slow_step_changes_nothing() -> None:
    """A page that comes from the disk, once in a while."""
    controller = ThreadController(2)
    run(controller, idle, 1.0)
    used = set()
    for number in range(1000):
        used.add(controller.choose_threads(1))
        controller.record_step(1, 0.5 if number % 20 == 0 else idle(2))

    assert used == {2}


def test_longer_steps_that_fewer_threads_do_not_shorten_become_usual() -> None:
    """A conversation with a long context follows a short one: one trial, then all threads."""
    controller = ThreadController(2)
    run(controller, idle, 1.0)

    spent = run(controller, lambda threads: 5 * idle(threads), 60.0)

    assert controller.choose_threads(1) == 2
    assert spent.get(1, 0.0) <= 2 * WINDOW * 5 * idle(1)


def test_each_batch_size_has_its_own_number() -> None:
    """Eight branches may be faster with two threads where one branch is faster with one."""
    controller = ThreadController(2)
    run(controller, lambda threads: 0.09 if threads == 2 else 0.01, 5.0, rows=1)
    run(controller, idle, 5.0, rows=8)

    assert (
        controller.choose_threads(1),
        controller.choose_threads(8),
        controller.choose_threads(6),
    ) == (1, 2, 2)


def test_a_trial_that_stalls_is_given_up_at_once() -> None:
    """One step of seconds is enough to know."""
    controller = ThreadController(2)
    run(controller, lambda threads: 0.09 if threads == 2 else 0.01, 1.0)
    stalled = 0
    for _ in range(1000):
        threads = controller.choose_threads(1)
        stalled += threads == 2
        controller.record_step(1, 3.0 if threads == 2 else 0.01)

    assert stalled <= 5
