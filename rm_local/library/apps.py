"""Programs that keep GGUF files under their own names: where, and how they give them up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rm_local.errors import HomeMissing
from rm_local.home import expand_home, find_folder, find_home
from rm_local.library.hub.cache import find_hub_cache, repo_of
from rm_local.library.ollama import ollama_roots, tag_of

HUB, OLLAMA, LM_STUDIO = "hugging-face", "ollama", "lm-studio"
LLAMA_CPP, GPT4ALL, JAN = "llama.cpp", "gpt4all", "jan"


def folders() -> dict[str, list[Path]]:
    """Each program's folders, which need not exist; none of those below a home that is unknown."""
    return {
        LM_STUDIO: lm_studio(),
        LLAMA_CPP: _llama_cpp(),
        GPT4ALL: _below([_data()], "nomic.ai/GPT4All"),
        JAN: _jan(),
    }


def _below(roots: Iterable[Path | None], *names: str) -> list[Path]:
    """Each of `names` below each of the roots that there are."""
    return [root / name for root in roots if root for name in names]


def lm_studio() -> list[Path]:
    """The folder of its settings, the old and the new default."""
    home = find_home()
    if home is None:
        return []
    homes = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    try:
        pointer = (home / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        pointer = ""
    if pointer:
        homes.insert(0, Path(pointer))
    chosen = [_downloads(home / "settings.json") for home in homes]
    return [*filter(None, chosen), *(home / "models" for home in homes)]


def _downloads(settings: Path) -> Path | None:
    """The folder that LM Studio's settings name; None without one."""
    try:
        told = json.loads(settings.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    folder = told.get("downloadsFolder") if isinstance(told, dict) else None
    return expand_home(folder) if isinstance(folder, str) and folder else None


def _llama_cpp() -> list[Path]:
    """LLAMA_CACHE, or `llama.cpp` in the platform's cache folder."""
    if path := os.environ.get("LLAMA_CACHE"):
        return [expand_home(path)]
    if sys.platform == "darwin":
        return _below([find_home()], "Library/Caches/llama.cpp")
    caches = _data() if sys.platform == "win32" else find_folder("XDG_CACHE_HOME", ".cache")
    return _below([caches], "llama.cpp")


def _jan() -> list[Path]:
    """The data folders of Jan's versions; in each, models lie in one of two folders."""
    roots = [*_below([find_home()], "jan"), *_below([_config(), _data()], "Jan/data")]
    return _below(roots, "models", "llamacpp/models")


def _data() -> Path | None:
    """Where programs keep their data."""
    if sys.platform == "darwin":
        return next(iter(_below([find_home()], "Library/Application Support")), None)
    if sys.platform == "win32":
        return find_folder("LOCALAPPDATA", "AppData", "Local")
    return find_folder("XDG_DATA_HOME", ".local", "share")


def _config() -> Path | None:
    """Where Electron's programs keep theirs."""
    if sys.platform == "darwin":
        return _data()
    if sys.platform == "win32":
        return find_folder("APPDATA", "AppData", "Roaming")
    return find_folder("XDG_CONFIG_HOME", ".config")


def owning_app(path: Path) -> str:
    """The program in whose store a file lies, links followed; empty for none.

    Told by where the stores are, and by their layouts, as a store may have been moved.
    """
    if repo_of(path) or repo_of(path.resolve()):
        return HUB
    if path.resolve().parent.name == "blobs" and path.resolve().name.startswith("sha256-"):
        return OLLAMA
    stores = {HUB: _hub(), OLLAMA: ollama_roots(), **folders()}
    for program, roots in stores.items():
        for root in roots:
            if path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve()):
                return program
    return ""


def _hub() -> list[Path]:
    try:
        return [find_hub_cache()]
    except HomeMissing:
        return []


def removal_command(program: str, path: Path) -> str:
    """What takes a model out of a program's store."""
    match program:
        case "hugging-face":
            return f"Remove it with: hf cache rm model/{repo_of(path) or 'ORG/REPO'}"
        case "ollama":
            return f"Remove it with: ollama rm {tag_of(path.resolve()) or tag_of(path) or 'NAME'}"
        case "lm-studio":
            return "Remove it in LM Studio, under My Models."
        case "llama.cpp":
            return f"It is in llama.cpp's cache: delete the file {path} yourself."
        case _:
            return f"Remove it in {program}'s own list of models."
