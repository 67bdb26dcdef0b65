"""Work in a fresh process is counted in this one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rm_local.bench.store.fresh_process import run_in_fresh_process_counting_units
from rm_local.progress import Progress, ProgressMeter


def count_to(number: int, fails: bool, count_unit: Callable[[], None]) -> int:
    """Do so many units of work; return their number, or fail after them."""
    for _ in range(number):
        count_unit()
    if fails:
        raise ValueError(number)
    return number


@pytest.mark.parametrize("number", [0, 1, 30])
def test_units_of_another_process_are_reported(number: int) -> None:
    """All of them in the end, with the result."""
    seen: list[Progress] = []
    meter = ProgressMeter(seen.append, "count", 30)

    assert run_in_fresh_process_counting_units(count_to, (number, False), meter) == number
    assert (seen[-1].done, seen[-1].total) == (number, 30)


def test_an_error_of_another_process_is_raised() -> None:
    """As if it had been called here."""
    with pytest.raises(ValueError, match="2"):
        run_in_fresh_process_counting_units(
            count_to, (2, True), ProgressMeter(lambda _: None, "count", 2)
        )
