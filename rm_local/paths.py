"""Paths of the user's files (by RM_LOCAL_HOME or platformdirs) and of the shipped files.

Nothing here creates a file or a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

from rm_local.errors import HomeNotFoundError, SettingsError
from rm_local.home import expand_home_if_known

SET_HOME = "Set RM_LOCAL_HOME to a folder that can be written to."
_DIRS = PlatformDirs("rm-local", appauthor=False)
PACKAGE = Path(__file__).resolve().parent
"""The folder of this package."""


def config_file() -> Path:
    """Return the path of the settings file (TOML); the file need not exist.

    Raises:
        HomeNotFoundError: The user has no home folder; RM_LOCAL_HOME is not set.
    """
    return (
        _join_rm_local_home("config.toml")
        or _find_platform_folder("user_config_path") / "config.toml"
    )


def templates_dir() -> Path | None:
    """Return the folder of the user's own chat templates and families; it need not exist.

    None if the user has no home folder, and so no folder of settings.
    """
    try:
        return config_file().parent / "templates"
    except HomeNotFoundError:
        return None


def data_dir() -> Path:
    """Return the folder of the sessions, of the user's own store and of the added models' list."""
    return _join_rm_local_home("data") or _find_platform_folder("user_data_path")


def cache_dir() -> Path:
    """Return the folder of files that can be made again, such as rm-small's merged GGUF."""
    return _join_rm_local_home("cache") or _find_platform_folder("user_cache_path")


def log_dir() -> Path:
    """Return the folder of logs and of reports of unexpected errors."""
    return _join_rm_local_home("logs") or _find_platform_folder("user_log_path")


def sessions_dir() -> Path:
    """Return the folder of the sessions; each session is one JSON Lines file."""
    return data_dir() / "sessions"


def own_store() -> Path:
    """Return the path of the user's own store, which the first write to it makes."""
    return data_dir() / "own.rms"


def worker_log() -> Path:
    """Return the path of the log of llama.cpp and the worker process."""
    return log_dir() / "worker.log"


def shipped_model() -> Path:
    """Return the path of the shipped model rm-nano."""
    return _get_shipped_file_path("rm-nano-q8_0.gguf")


def shipped_adapter() -> Path:
    """Return the path of the shipped LoRA adapter of rm-small."""
    return _get_shipped_file_path("rm-small-lora.gguf")


def shipped_store() -> Path:
    """Return the path of the shipped store."""
    return _get_shipped_file_path("seed.rms")


def is_own_store(path: Path) -> bool:
    """Return whether `path` is that of the user's own store, which need not exist."""
    try:
        own = own_store()
    except HomeNotFoundError:
        return False
    return path.absolute() == own or _is_same_file(path, own)


def is_shipped_store(path: Path) -> bool:
    """Return whether `path` leads to the shipped store, also by a link."""
    return _is_same_file(path, shipped_store())


def shipped_static_embedder() -> Path:
    """Return the path of the shipped table of the static embedder."""
    return _get_shipped_file_path("rm-static.safetensors")


def shipped_minilm() -> Path:
    """Return the path of the shipped embedder all-MiniLM-L6-v2, a GGUF file."""
    return _get_shipped_file_path("all-minilm-l6-v2.gguf")


def _get_shipped_file_path(name: str) -> Path:
    """Return the path of a shipped file: in the package, else in `models/` of a checkout.

    In a checkout the file need not exist.
    """
    packed = PACKAGE / "shipped" / name
    return packed if packed.exists() else PACKAGE.parent / "models" / name


def _join_rm_local_home(name: str) -> Path | None:
    """Return the absolute path `name` below RM_LOCAL_HOME; None if that variable is not set.

    Raises:
        SettingsError: RM_LOCAL_HOME begins with the home folder of an unknown user.
    """
    home = os.environ.get("RM_LOCAL_HOME")
    if not home:
        return None
    folder = expand_home_if_known(home)
    if folder.parts[0].startswith("~"):
        raise SettingsError(f"RM_LOCAL_HOME is {home}, but there is no such home folder.", SET_HOME)
    return folder.absolute() / name


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _find_platform_folder(attribute: str) -> Path:
    """Return the user's folder that platformdirs calls `attribute`, such as `user_cache_path`.

    Raises:
        HomeNotFoundError: The user has no home folder.
    """
    try:
        folder: Path = getattr(_DIRS, attribute)
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise HomeNotFoundError("This user has no home folder.", SET_HOME)
    return folder
