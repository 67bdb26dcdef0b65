"""Where models lie: the stores of other programs, the user's folders, and what was added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rm_local.errors import HomeMissing
from rm_local.library import apps
from rm_local.library.added import added_paths
from rm_local.library.hub.cache import hub_files
from rm_local.library.ollama import ollama_models
from rm_local.library.scan import Note, find_gguf_files
from rm_local.paths import shipped_model
from rm_local.settings import Settings

SHIPPED_SOURCE, SETTINGS, ADDED, FOLDER = "shipped", "settings", "added", "folder"


@dataclass(frozen=True, slots=True)
class Spot:
    """A file that may be a model."""

    path: Path
    name: str
    """What the place calls it; not yet short or unique."""
    place: str


Search = Callable[[Settings, Note], Iterator[Spot]]


def spots(settings: Settings, note: Note) -> Iterator[Spot]:
    """Every place's files, the shipped model first; a file may come from several places.

    A place that cannot be read is told to `note` and passed over.
    """
    searches: tuple[Search, ...] = (_shipped, _in_use, _added, _folders, _hub, _ollama, _programs)
    for search in searches:
        try:
            yield from search(settings, note)
        except HomeMissing:
            continue  # a place below a home folder
        except OSError as error:
            note(f"{error.filename or 'a folder of models'} cannot be read: {error.strerror}")


def _shipped(_settings: Settings, _note: Note) -> Iterator[Spot]:
    path = shipped_model()
    yield Spot(path, path.stem, SHIPPED_SOURCE)


def _in_use(settings: Settings, _note: Note) -> Iterator[Spot]:
    """The settings' model, which may lie outside of every other place."""
    if settings.model and settings.model.is_file():
        yield Spot(settings.model, settings.model.stem, SETTINGS)


def _added(_settings: Settings, note: Note) -> Iterator[Spot]:
    for path in added_paths(note):
        if path.is_dir():
            yield from _below(path, ADDED, note)
        elif path.is_file():
            yield Spot(path, file_name(path), ADDED)
        else:
            note(f"{path}, which was added, is not there any more")


def _folders(settings: Settings, note: Note) -> Iterator[Spot]:
    for folder in settings.model_dirs:
        if not folder.is_dir():
            note(f"{folder}, one of the settings' model_dirs, is not there")
        yield from _below(folder, FOLDER, note)


def _hub(_settings: Settings, note: Note) -> Iterator[Spot]:
    for path, repo in hub_files(note):
        yield Spot(path, file_name(path, repo), apps.HUB)


def _ollama(_settings: Settings, note: Note) -> Iterator[Spot]:
    for path, name in ollama_models(note):
        yield Spot(path, name, apps.OLLAMA)


def _programs(_settings: Settings, note: Note) -> Iterator[Spot]:
    for place, roots in apps.folders().items():
        for root in roots:
            yield from _below(root, place, note)


def _below(root: Path, place: str, note: Note) -> Iterator[Spot]:
    return (Spot(path, file_name(path), place) for path in find_gguf_files(root, note))


def file_name(path: Path, repo: str = "") -> str:
    """The file's name, or with one that says nothing (`model.gguf`) the folder's or `repo`'s."""
    if path.stem.lower().startswith(("model", "ggml-model", "ggml_model")):
        return f"{repo or path.parent.name}-{path.stem}"
    return path.stem
