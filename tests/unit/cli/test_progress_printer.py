"""What a long command writes about its progress on standard error."""

from __future__ import annotations

from os import terminal_size

import pytest
from rich.cells import cell_len

from rm_local.cli.progress import REPORT_INTERVAL_S, ProgressPrinter, format_progress
from rm_local.cli.render import unstyle_and_cut_to_terminal_width
from rm_local.progress import Progress


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress("sample"), "sample"),
        (Progress("read", 12_000), "read    12,000"),
        (Progress("write", 0, 9000), "write   0 of 9,000"),
        (Progress("embed", 4096, 9000, 210.4, 23.3), "embed   4,096 of 9,000, 210/s, 23 s left"),
        (Progress("embed", 9000, 9000, 210.4, 0.0), "embed   9,000 of 9,000, 210/s"),
        (
            Progress("fetch", 4_704_000_000, 9_000_000_000, 12_500_000, 343.7, "bytes"),
            "fetch   4.70 GB of 9.00 GB, 12.5 MB/s, 6 min left",
        ),
    ],
)
def test_a_line_has_what_is_known(progress: Progress, expected: str) -> None:
    """Entries as numbers, bytes in their unit; a stage that counts nothing is named alone."""
    assert format_progress(progress) == expected


def test_in_a_file_each_stage_begins_and_ends_with_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two there is a line only now and then."""
    now = 100.0
    monkeypatch.setattr("rm_local.cli.progress.time.monotonic", lambda: now)
    printer = ProgressPrinter()
    for done in (0, 1, 2):
        printer(Progress("read", done, 3))
    now += REPORT_INTERVAL_S
    printer(Progress("read", 2, 3))
    printer(Progress("read", 3, 3))
    printer(Progress("write", 0, 3))
    printer.end_line()

    assert capsys.readouterr().err.splitlines() == [
        "read    0 of 3",
        "read    2 of 3",
        "read    3 of 3",
        "write   0 of 3",
    ]


def test_on_a_terminal_one_line_is_written_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left as it was last, and the next stage has a line of its own."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    printer = ProgressPrinter()
    printer(Progress("read", 0, 3))
    printer(Progress("read", 3, 3))
    printer(Progress("write", 0, 3))
    printer.end_line()
    printer.end_line()

    empty, full = "░" * 10, "█" * 10
    written = capsys.readouterr().err
    assert written.split("\n") == [
        f"\r\x1b[Kread    {empty} 0 of 3\r\x1b[Kread    {full} 3 of 3",
        f"\r\x1b[Kwrite   {empty} 0 of 3",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "columns", "cells"),
    [
        ("二つの数を足す方法は何ですか、とても長い題名がここに続きます", 20, 18),
        ("두 수를 더하는 방법은 무엇입니까", 16, 14),
        ("plain letters, and more than fit", 12, 11),
        ("e\u0301" * 30, 40, 30),
        ("short", 80, 5),
        ("二" * 10, 20, 18),
        ("anything", 1, 0),
    ],
)
def test_a_redrawn_line_fits_the_terminal(
    text: str, columns: int, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut by the cells that characters take, and the last cell stays free."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: terminal_size((columns, 24)))

    assert cell_len(unstyle_and_cut_to_terminal_width(text)) == cells


def test_a_progress_line_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal that is narrower than the line."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: terminal_size((12, 24)))
    ProgressPrinter()(Progress("read", 8000, 9000, 210.4, 23.3))

    assert capsys.readouterr().err == "\r\x1b[Kread    ███"
