"""What every test gets: a home of its own, nothing of the machine's settings, all the time it
wants, and an end when it hangs."""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest

from tests.support.watchdog import HANG_SECONDS

# How long an example takes, or is made, says something about the machine alone.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
FOLDERS = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "home/appdata",
    "LOCALAPPDATA": "home/localappdata",
    "XDG_CONFIG_HOME": "home/config",
    "XDG_DATA_HOME": "home/data",
    "XDG_CACHE_HOME": "home/cache",
    "XDG_STATE_HOME": "home/state",
}


STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the standard error that is there while no test's is caught, and take Ctrl+C.

    A shell that starts the tests in the background has them ignore it, and all that they start.
    """
    config.stash[STDERR] = os.dup(2)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # `nohup` lets its children ignore this one.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the whole run, with all stacks, when a test hangs in what no wait of its own ends."""
    # Longer than any wait, so that one that is in vain fails its test and no more.
    faulthandler.dump_traceback_later(2 * HANG_SECONDS, exit=True, file=item.config.stash[STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True, scope="session")
def plain_exit() -> Iterator[None]:
    """`os._exit` ends a process at once, also where coverage.py has made it save its data first.

    That is for the processes that tests start. Those that they fork are killed after short times
    and would be killed while saving, after their work is done.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", import_module(os.name)._exit)
        yield


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RM_LOCAL_HOME, the home and the XDG folders are in tmp_path, for child processes too."""
    for name in list(os.environ):
        if name.startswith("RM_LOCAL_") or name.lower() in PROXIES or name == "NO_COLOR":
            monkeypatch.delenv(name)
    for name, folder in FOLDERS.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(tmp_path / folder))
    home = tmp_path / "rm-local"
    monkeypatch.setenv("RM_LOCAL_HOME", str(home))
    return home
