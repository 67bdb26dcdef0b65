"""Finds folders with models of other programs, and says how to remove a model from them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rm_local.errors import HomeNotFoundError
from rm_local.file_kinds import read_small_file
from rm_local.home import expand_home_if_known, find_home, get_env_or_home_folder
from rm_local.library.hub.cache import get_hub_cache_folder, parse_cache_repo_or_empty
from rm_local.library.ollama import find_ollama_name_or_empty, list_possible_ollama_roots

HUB, OLLAMA, LM_STUDIO = "hugging-face", "ollama", "lm-studio"
LLAMA_CPP, GPT4ALL, JAN = "llama.cpp", "gpt4all", "jan"


def list_possible_app_model_folders() -> dict[str, list[Path]]:
    """List the model folders of other programs: name of a program -> its folders.

    The folders need not exist. Those below the home folder are left out if the user has no home.
    """
    return {
        LM_STUDIO: _list_possible_lm_studio_folders(),
        LLAMA_CPP: _list_possible_llama_cpp_folders(),
        GPT4ALL: _join_roots_and_names([_get_platform_data_folder()], "nomic.ai/GPT4All"),
        JAN: _list_possible_jan_folders(),
    }


def _join_roots_and_names(roots: Iterable[Path | None], *names: str) -> list[Path]:
    """Return the path `root / name` for each root that is not None and each of `names`."""
    return [root / name for root in roots if root for name in names]


def _list_possible_lm_studio_folders() -> list[Path]:
    """List LM Studio's model folders: those in its settings, then its default folders."""
    home = find_home()
    if home is None:
        return []
    homes = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    try:
        pointer = read_small_file(home / ".lmstudio-home-pointer").decode().strip()
    except (OSError, UnicodeDecodeError):
        pointer = ""
    if pointer:
        homes.insert(0, Path(pointer))
    chosen = [_read_lm_studio_model_folder(home / "settings.json") for home in homes]
    return [*filter(None, chosen), *(home / "models" for home in homes)]


def _read_lm_studio_model_folder(settings: Path) -> Path | None:
    """Read the model folder from LM Studio's settings; None without such a setting."""
    try:
        content = json.loads(read_small_file(settings))
    except (OSError, ValueError, RecursionError):
        return None
    folder = content.get("downloadsFolder") if isinstance(content, dict) else None
    return expand_home_if_known(folder) if isinstance(folder, str) and folder else None


def _list_possible_llama_cpp_folders() -> list[Path]:
    """List llama.cpp's cache folder: LLAMA_CACHE, or `llama.cpp` in the platform's cache folder."""
    if path := os.environ.get("LLAMA_CACHE"):
        return [expand_home_if_known(path)]
    if sys.platform == "darwin":
        return _join_roots_and_names([find_home()], "Library/Caches/llama.cpp")
    caches = (
        _get_platform_data_folder()
        if sys.platform == "win32"
        else get_env_or_home_folder("XDG_CACHE_HOME", ".cache")
    )
    return _join_roots_and_names([caches], "llama.cpp")


def _list_possible_jan_folders() -> list[Path]:
    """List the model folders of all versions of Jan: two in each of its data folders."""
    roots = [
        *_join_roots_and_names([find_home()], "jan"),
        *_join_roots_and_names(
            [_get_platform_config_folder(), _get_platform_data_folder()], "Jan/data"
        ),
    ]
    return _join_roots_and_names(roots, "models", "llamacpp/models")


def _get_platform_data_folder() -> Path | None:
    """Find the platform's folder for programs' data; None if the user has no home."""
    if sys.platform == "darwin":
        return next(iter(_join_roots_and_names([find_home()], "Library/Application Support")), None)
    if sys.platform == "win32":
        return get_env_or_home_folder("LOCALAPPDATA", "AppData", "Local")
    return get_env_or_home_folder("XDG_DATA_HOME", ".local", "share")


def _get_platform_config_folder() -> Path | None:
    """Find the folder in which Electron programs keep settings; None if the user has no home."""
    if sys.platform == "darwin":
        return _get_platform_data_folder()
    if sys.platform == "win32":
        return get_env_or_home_folder("APPDATA", "AppData", "Roaming")
    return get_env_or_home_folder("XDG_CONFIG_HOME", ".config")


def find_owning_app_or_empty(path: Path) -> str:
    """Return the name of the program whose model folder contains a file; empty if none does.

    Links are followed. A program's folder is recognised by its place or its layout, as it may have
    been moved.
    """
    if parse_cache_repo_or_empty(path) or parse_cache_repo_or_empty(path.resolve()):
        return HUB
    if path.resolve().parent.name == "blobs" and path.resolve().name.startswith("sha256-"):
        return OLLAMA
    stores = {
        HUB: _list_hub_cache_folder(),
        OLLAMA: list_possible_ollama_roots(),
        **list_possible_app_model_folders(),
    }
    for program, roots in stores.items():
        for root in roots:
            if path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve()):
                return program
    return ""


def _list_hub_cache_folder() -> list[Path]:
    """List the folder of the Hugging Face cache; empty if there is no home folder."""
    try:
        return [get_hub_cache_folder()]
    except HomeNotFoundError:
        return []


def explain_how_to_remove_model(program: str, path: Path) -> str:
    """Return a sentence that says how to remove a model from the folder of another program."""
    match program:
        case "hugging-face":
            return (
                f"Remove it with: hf cache rm model/{parse_cache_repo_or_empty(path) or 'ORG/REPO'}"
            )
        case "ollama":
            tag = find_ollama_name_or_empty(path.resolve()) or find_ollama_name_or_empty(path)
            return f"Remove it with: ollama rm {tag or 'NAME'}"
        case "lm-studio":
            return "Remove it in LM Studio, under My Models."
        case "llama.cpp":
            return f"It is in llama.cpp's cache: delete the file {path} yourself."
        case _:
            return f"Remove it in {program}'s own list of models."
