"""What every test gets: a home of its own, and nothing of the machine's settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RM_LOCAL_HOME, the home and the XDG folders lie in tmp_path, for child processes too."""
    for name in list(os.environ):
        if name.startswith("RM_LOCAL_") or name.lower() in PROXIES or name == "NO_COLOR":
            monkeypatch.delenv(name)
    for name, folder in FOLDERS.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(tmp_path / folder))
    home = tmp_path / "rm-local"
    monkeypatch.setenv("RM_LOCAL_HOME", str(home))
    return home
