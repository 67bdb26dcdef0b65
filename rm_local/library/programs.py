"""Programs that keep GGUF files under their own names: where, and how they give them up."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from rm_local.library.cache import hub_cache
from rm_local.library.hub import repo_of
from rm_local.library.ollama import ollama_roots, tag_of

HUB, OLLAMA, LM_STUDIO = "hugging-face", "ollama", "lm-studio"
LLAMA_CPP, GPT4ALL, JAN = "llama.cpp", "gpt4all", "jan"


def folders() -> dict[str, list[Path]]:
    """Each program's folders, which need not exist."""
    return {
        LM_STUDIO: lm_studio(),
        LLAMA_CPP: [_llama_cpp()],
        GPT4ALL: [_data() / "nomic.ai" / "GPT4All"],
        JAN: _jan(),
    }


def lm_studio() -> list[Path]:
    """The folder of its settings, the old and the new default."""
    homes = [Path.home() / ".lmstudio", Path.home() / ".cache" / "lm-studio"]
    try:
        pointer = (Path.home() / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
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
    return Path(folder).expanduser() if isinstance(folder, str) and folder else None


def _llama_cpp() -> Path:
    """LLAMA_CACHE, or `llama.cpp` in the platform's cache folder."""
    if path := os.environ.get("LLAMA_CACHE"):
        return Path(path).expanduser()
    if sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        cache = _data()
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "llama.cpp"


def _jan() -> list[Path]:
    """The data folders of Jan's versions; in each, models lie in one of two folders."""
    roots = [Path.home() / "jan", _config() / "Jan" / "data", _data() / "Jan" / "data"]
    return [root / models for root in roots for models in ("models", "llamacpp/models")]


def _data() -> Path:
    """Where programs keep their data."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()


def _config() -> Path:
    """Where Electron's programs keep theirs."""
    if sys.platform == "darwin":
        return _data()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~/AppData/Roaming").expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()


def owner(path: Path) -> str:
    """The program in whose store a file lies, links followed; empty for none.

    Told by where the stores are, and by their layouts, as a store may have been moved.
    """
    if repo_of(path) or repo_of(path.resolve()):
        return HUB
    if path.resolve().parent.name == "blobs" and path.resolve().name.startswith("sha256-"):
        return OLLAMA
    stores = {HUB: [hub_cache()], OLLAMA: ollama_roots(), **folders()}
    for program, roots in stores.items():
        for root in roots:
            if path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve()):
                return program
    return ""


def how_to_remove(program: str, path: Path) -> str:
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
