"""Sizes, durations and large numbers as people read them."""

from __future__ import annotations

import pytest

from rm_local.units import format_bytes, format_count, format_duration, format_parameter_count


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (999_949, "999.9 KB"),
        (999_960, "1.0 MB"),
        (999_960_000, "1.0 GB"),
        (12_500_000, "12.5 MB"),
        (4_700_000_000, "4.7 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_bytes_are_in_the_largest_unit_that_leaves_one(count: float, expected: str) -> None:
    """Units are of 1,000, chosen after rounding; nothing is larger than a terabyte."""
    assert format_bytes(count) == expected


def test_bytes_can_have_more_decimals() -> None:
    """As a download needs, of which a tenth of a gigabyte takes long."""
    assert format_bytes(4_704_000_000, 2) == "4.70 GB"
    assert format_bytes(999_960, 2) == "999.96 KB"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (5340, "89 min"), (11_100, "3 h 5 min")],
)
def test_durations_are_no_more_exact_than_a_forecast(seconds: float, expected: str) -> None:
    """Seconds below a minute and a half, then minutes, then hours and minutes."""
    assert format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(12, "12"), (1200, "1.2K"), (494_000_000, "494M"), (4_020_000_000, "4.0B")],
)
def test_parameters_have_two_or_three_digits(count: int, expected: str) -> None:
    """As the names of models give them."""
    assert format_parameter_count(count) == expected


@pytest.mark.parametrize(
    ("number", "plural", "expected"),
    [(0, "", "0 hits"), (1, "", "1 hit"), (1024, "", "1,024 hits"), (2, "strikes", "2 strikes")],
)
def test_a_count_has_the_form_of_its_noun(number: int, plural: str, expected: str) -> None:
    """The singular for one alone; a plural that appends no s can be given."""
    assert format_count(number, "hit", plural) == expected
