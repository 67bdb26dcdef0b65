"""How far a long operation is: what a meter reports, on a clock that the test moves."""

from __future__ import annotations

import pytest

from rm_local.progress import Progress, ProgressMeter, make_share_reporter


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Instead of the machine's."""
    clock = Clock()
    monkeypatch.setattr("rm_local.progress.time.monotonic", clock)
    return clock


def test_a_stage_is_announced_before_anything_is_done(clock: Clock) -> None:
    """Without a rate, and without a time left that nobody can know yet."""
    seen: list[Progress] = []
    ProgressMeter(seen.append, "write", 1000)
    assert seen == [Progress("write", 0, 1000, None, None)]


def test_rate_and_time_left_follow_from_what_was_done(clock: Clock) -> None:
    """A quarter in ten seconds: three quarters take thirty."""
    seen: list[Progress] = []
    meter = ProgressMeter(seen.append, "write", 1000)
    clock.now += 10
    meter.report_units_done(250)
    assert seen[-1] == Progress("write", 250, 1000, 25.0, 30.0)
    clock.now += 30
    meter.report_units_done(1000)
    assert seen[-1] == Progress("write", 1000, 1000, 25.0, 0.0)


def test_what_an_earlier_run_did_took_no_time(clock: Clock) -> None:
    """The rate of a resumed stage is that of this run alone."""
    seen: list[Progress] = []
    meter = ProgressMeter(seen.append, "embed", 1000, done=900)
    assert seen[-1].rate is None
    clock.now += 5
    meter.report_units_done(950)
    assert seen[-1] == Progress("embed", 950, 1000, 10.0, 5.0)


def test_a_stage_that_starts_over_has_no_rate_until_it_continues(clock: Clock) -> None:
    """As when a server sends a file from its first byte again."""
    seen: list[Progress] = []
    meter = ProgressMeter(seen.append, "fetch", 1000, done=500, unit="bytes")
    clock.now += 100
    meter.report_units_done(0)
    assert seen[-1] == Progress("fetch", 0, 1000, None, None, "bytes")
    clock.now += 1
    meter.report_units_done(100)
    assert (seen[-1].rate, seen[-1].seconds_left) == (100.0, 9.0)


def test_a_share_stands_in_for_a_total_that_is_not_known(clock: Clock) -> None:
    """Lines are counted while their number is unknown, but the bytes of the file are known."""
    seen: list[Progress] = []
    meter = ProgressMeter(seen.append, "read")
    clock.now += 6
    meter.report_units_done(600, share=0.75)
    assert seen[-1] == Progress("read", 600, None, 100.0, 2.0)
    meter.report_units_done(700)
    assert seen[-1].seconds_left is None


def test_shares_are_reported_in_units_of_the_total() -> None:
    """Also without units of its own, in hundredths, from the first call on."""
    seen: list[Progress] = []
    ProgressMeter(seen.append, "train", 400).report_share_done(0.25)
    on_share = make_share_reporter(seen.append, "merge")
    for share in (0.0, 0.5, 1.0):
        on_share(share)

    assert [(each.stage, each.done, each.total) for each in seen] == [
        ("train", 0, 400),
        ("train", 100, 400),
        ("merge", 0, 100),
        ("merge", 0, 100),
        ("merge", 50, 100),
        ("merge", 100, 100),
    ]
