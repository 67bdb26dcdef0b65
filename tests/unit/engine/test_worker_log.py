"""The worker's log: appended to, emptied when long, replaced where it cannot be written."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine import exit_reasons
from rm_local.engine.worker_log import LIMIT, open_worker_log_or_temporary
from tests.support.blocked_folders import BLOCKED


def unexpected(error: OSError) -> None:
    """The log can be written."""
    raise AssertionError(error)


@pytest.mark.parametrize(("before", "since"), [(0, 0), (5, 5), (LIMIT + 1, 0)])
def test_a_log_is_appended_to(tmp_path: Path, before: int, since: int) -> None:
    """One that has grown long is emptied first."""
    path = tmp_path / "logs" / "worker.log"
    path.parent.mkdir()
    path.write_bytes(b"x" * before)

    log = open_worker_log_or_temporary(path, unexpected)
    with log.file:
        log.file.write(b"more")
    log.delete_if_temporary()

    assert (log.path, log.since) == (path, since)
    assert path.read_bytes() == b"x" * since + b"more"


@pytest.mark.parametrize("block", BLOCKED)
def test_a_temporary_file_takes_its_place(tmp_path: Path, block: Callable[[Path], Path]) -> None:
    """The reason is handed on once, and the file is deleted when it is not needed."""
    reasons: list[OSError] = []

    log = open_worker_log_or_temporary(block(tmp_path) / "worker.log", reasons.append)
    with log.file:
        log.file.write(b"why")

    assert len(reasons) == 1
    assert log.path is not None
    assert log.path.read_bytes() == b"why"
    log.delete_if_temporary()
    assert not log.path.exists()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_log_that_the_system_refuses_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """No permission, a read-only file system, a full disk: all without a log."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    reasons: list[OSError] = []
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)

    log = open_worker_log_or_temporary(tmp_path / "logs" / "worker.log", reasons.append)
    with log.file:
        log.file.write(b"lost")

    assert [reason.errno for reason in reasons] == [code]
    assert log.path is None
    log.delete_if_temporary()


def test_no_log_is_no_failure() -> None:
    """Without a home folder there is no path; that was said elsewhere."""
    log = open_worker_log_or_temporary(None, unexpected)
    log.file.close()
    log.delete_if_temporary()


def test_a_death_without_a_log_names_no_file() -> None:
    """The message ends with what to do."""
    assert exit_reasons.make_crash_error(-9, None, 0).remedy == "Ask again: a new one is started."
    assert exit_reasons.make_start_error(3, None, 0).remedy == exit_reasons.DOCTOR
