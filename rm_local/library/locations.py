"""Finds model files in all places: shipped, added by the user, of other programs, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rm_local.errors import HomeNotFoundError
from rm_local.library import apps
from rm_local.library.added import read_added_paths_or_empty
from rm_local.library.hub.cache import find_gguf_files_in_hub_cache
from rm_local.library.ollama import find_ollama_files_and_names
from rm_local.library.scan import Note, find_gguf_files
from rm_local.paths import shipped_model
from rm_local.settings import Settings

SHIPPED_SOURCE, SETTINGS, ADDED, FOLDER = "shipped", "settings", "added", "folder"


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """A file that may be a model, and the place in which it was found."""

    path: Path
    name: str
    """Name of the model by its file or its program; not yet short or unique."""
    place: str
    """Kind of the place, such as `added`, or the name of a program, such as `ollama`."""


LocationSearch = Callable[[Settings, Note], Iterator[ModelLocation]]
"""A function that finds the model files of one place."""


def find_model_locations(settings: Settings, note: Note) -> Iterator[ModelLocation]:
    """Yield the model files of every place, the shipped model first.

    A file in several places is yielded several times. A place that cannot be read is skipped, and
    `note` gets a message.
    """
    searches: tuple[LocationSearch, ...] = (
        _find_shipped_model,
        _find_added_models,
        _find_in_model_dirs,
        _find_in_hub_cache,
        _find_in_ollama,
        _find_in_apps,
        _find_model_of_settings,  # last: other places know its name, as Ollama's manifests do
    )
    for search in searches:
        try:
            yield from search(settings, note)
        except HomeNotFoundError:
            continue  # a place below a home folder
        except OSError as error:
            note(f"{error.filename or 'a folder of models'} cannot be read: {error.strerror}")


def _find_shipped_model(_settings: Settings, _note: Note) -> Iterator[ModelLocation]:
    path = shipped_model()
    yield ModelLocation(path, path.stem, SHIPPED_SOURCE)


def _find_added_models(_settings: Settings, note: Note) -> Iterator[ModelLocation]:
    """Yield the model files that the user added by a path or a folder.

    `note` is called for each path that no longer exists.
    """
    for path in read_added_paths_or_empty(note):
        if path.is_dir():
            yield from _find_below(path, ADDED, note)
        elif path.is_file():
            yield ModelLocation(path, derive_model_name_from_path(path), ADDED)
        else:
            note(f"{path}, which was added, no longer exists")


def _find_in_model_dirs(settings: Settings, note: Note) -> Iterator[ModelLocation]:
    """Yield the model files below the settings' `model_dirs`.

    `note` is called for each folder that does not exist.
    """
    for folder in settings.model_dirs:
        if not folder.is_dir():
            note(f"{folder}, one of the settings' model_dirs, does not exist")
        yield from _find_below(folder, FOLDER, note)


def _find_in_hub_cache(_settings: Settings, note: Note) -> Iterator[ModelLocation]:
    for path, repo in find_gguf_files_in_hub_cache(note):
        yield ModelLocation(path, derive_model_name_from_path(path, repo), apps.HUB)


def _find_in_ollama(_settings: Settings, note: Note) -> Iterator[ModelLocation]:
    for path, name in find_ollama_files_and_names(note):
        yield ModelLocation(path, name, apps.OLLAMA)


def _find_in_apps(_settings: Settings, note: Note) -> Iterator[ModelLocation]:
    for place, roots in apps.list_possible_app_model_folders().items():
        for root in roots:
            yield from _find_below(root, place, note)


def _find_model_of_settings(settings: Settings, _note: Note) -> Iterator[ModelLocation]:
    """Yield the model file that the settings name, if it exists; it may be in no other place."""
    if settings.model and settings.model.is_file():
        yield ModelLocation(settings.model, settings.model.stem, SETTINGS)


def _find_below(root: Path, place: str, note: Note) -> Iterator[ModelLocation]:
    return (
        ModelLocation(path, derive_model_name_from_path(path), place)
        for path in find_gguf_files(root, note)
    )


def derive_model_name_from_path(path: Path, repo: str = "") -> str:
    """Derive a model's name from its file name.

    A file called `model...` gets the repository's name, or else the folder's name, in front.
    """
    if path.stem.lower().startswith(("model", "ggml-model", "ggml_model")):
        return f"{repo or path.parent.name}-{path.stem}"
    return path.stem
