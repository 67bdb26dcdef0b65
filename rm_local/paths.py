"""Where files are: the user's, by platformdirs or RM_LOCAL_HOME, and those that are shipped.

Nothing here creates a file or a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

from rm_local.errors import HomeMissing, SettingsError
from rm_local.home import expand_home

SET_HOME = "Set RM_LOCAL_HOME to a folder that can be written to."
_DIRS = PlatformDirs("rm-local", appauthor=False)
PACKAGE = Path(__file__).resolve().parent
"""The folder of this package."""


def config_file() -> Path:
    """The settings file, TOML; it need not exist.

    Raises HomeMissing, as the functions below, where there is no place for it.
    """
    return _below("config.toml") or _of_platform("user_config_path") / "config.toml"


def templates_dir() -> Path | None:
    """The user's own chat templates and families, in the settings file's folder; need not exist.

    None where there is no place for them.
    """
    try:
        return config_file().parent / "templates"
    except HomeMissing:
        return None


def data_dir() -> Path:
    """What is to be kept: sessions, and stores of the user's own."""
    return _below("data") or _of_platform("user_data_path")


def cache_dir() -> Path:
    """What can be made again, such as the embedder's GGUF."""
    return _below("cache") or _of_platform("user_cache_path")


def log_dir() -> Path:
    """Logs, and notes of unexpected errors."""
    return _below("logs") or _of_platform("user_log_path")


def sessions_dir() -> Path:
    """One JSON Lines file a session."""
    return data_dir() / "sessions"


def worker_log() -> Path:
    """What llama.cpp and the worker process have written."""
    return log_dir() / "worker.log"


def shipped_model() -> Path:
    """rm-nano, the model that comes along."""
    return _shipped("rm-nano-q8_0.gguf")


def shipped_adapter() -> Path:
    """rm-small's LoRA adapter, which comes along."""
    return _shipped("rm-small-lora.gguf")


def shipped_store() -> Path:
    """The store that comes along."""
    return _shipped("seed.rms")


def shipped_static() -> Path:
    """The table of the static embedder that comes along."""
    return _shipped("rm-static.safetensors")


def _shipped(name: str) -> Path:
    """The file inside the installed package, or else in the checkout's `models/`."""
    packed = PACKAGE / "shipped" / name
    return packed if packed.exists() else PACKAGE.parent / "models" / name


def _below(name: str) -> Path | None:
    """`name` below RM_LOCAL_HOME, or None when that is not set."""
    home = os.environ.get("RM_LOCAL_HOME")
    if not home:
        return None
    folder = expand_home(home)
    if folder.parts[0].startswith("~"):
        raise SettingsError(f"RM_LOCAL_HOME is {home}, and there is no such home folder.", SET_HOME)
    return folder / name


def _of_platform(attribute: str) -> Path:
    """One of the platform's folders for this user. HomeMissing: it needs a home folder."""
    try:
        folder: Path = getattr(_DIRS, attribute)
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise HomeMissing("This user has no home folder.", SET_HOME)
    return folder
