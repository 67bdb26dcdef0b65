"""Lists all models on this machine under short names, and finds a model by its name."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rm_local.errors import ModelNotFoundError, RmLocalError, UsageError
from rm_local.gguf import resolve_first_part_path
from rm_local.home import expand_user_path
from rm_local.library import model_file as models
from rm_local.library.embedded_models import (
    RM_NANO,
    RM_SMALL,
    choose_settings_or_default_model,
    read_or_predict_model_headers,
)
from rm_local.library.locations import SHIPPED_SOURCE, ModelLocation, find_model_locations
from rm_local.library.model_file import ModelDescription
from rm_local.paths import shipped_model
from rm_local.settings import Settings

_PART = re.compile(r"-\d{5}-of-\d{5}$")
_NAME_SIGNS = "._-\u200c\u200d"
"""Other characters of names; the last two join letters in some scripts."""


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """A model in the list of models, with its unique name."""

    name: str
    """Name by which commands accept the model."""
    place: str
    """Where it was found, such as `added` or `ollama`."""
    model: ModelDescription
    in_use: bool
    """Whether it is the model of the settings, or the default model."""

    @property
    def path_or_embedded_name(self) -> Path:
        """How settings and options name the model: its path, or the name of an embedded model."""
        return RM_SMALL if self.name == RM_SMALL.name else self.model.path


@dataclass(frozen=True, slots=True)
class MissingEmbeddedModel:
    """An embedded model that cannot be used, with the reason and a remedy for the user."""

    name: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ModelLibrary:
    """All models on this machine, messages about skipped files, and missing embedded models."""

    models: tuple[LibraryModel, ...]
    notes: tuple[str, ...]
    missing: tuple[MissingEmbeddedModel, ...] = ()

    def find_by_name_or_prefix(self, name: str) -> LibraryModel:
        """Find the model called `name`, or the only model whose name begins with `name`.

        Raises:
            ModelNotFoundError: No model has that name, or it is not installed.
            UsageError: Several models could be meant.
        """
        wanted = lowercase_and_compose_accents(name)
        for missing in self.missing:
            if missing.name == wanted:
                raise ModelNotFoundError(missing.message, missing.remedy)
        for fits in (
            _is_exact_name,
            _equals_name_without_place,
            _starts_with_wanted,
            _equals_dashed_form,
        ):
            found = [listed for listed in self.models if fits(listed.name, wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(listed.name for listed in found[:5])
                raise UsageError(f"{name} could be several models.", f"Name one: {names}.")
        close = get_close_matches(wanted, [listed.name for listed in self.models], 3, 0.5)
        near = f"Did you mean {' or '.join(close)}? " if close else ""
        raise ModelNotFoundError(
            f"There is no model named {name}.", f"{near}`rm-local models` lists them all."
        )


def find_models(settings: Settings) -> ModelLibrary:
    """Find all models on this machine; each file is listed once, in the order of the places."""
    notes: list[str] = []
    found = [*_read_each_model_file_once(find_model_locations(settings, notes.append), notes)]
    used = choose_settings_or_default_model(settings)
    names = _make_unique_names(found)
    listed = [
        LibraryModel(name, location.place, model, _is_same_file(model.path, used))
        for name, (location, model) in zip(names, found, strict=True)
    ]
    missing: tuple[MissingEmbeddedModel, ...] = ()
    try:
        shipped = sum(each.place == SHIPPED_SOURCE for each in listed)
        listed.insert(shipped, _build_rm_small_library_model(used))
    except RmLocalError as error:
        missing = (MissingEmbeddedModel(RM_SMALL.name, error.message, error.remedy),)
    return ModelLibrary(tuple(listed), tuple(dict.fromkeys(notes)), missing)


def find_model_by_path_or_name(settings: Settings, wanted: str) -> LibraryModel:
    """Find a model by its path or by its name in the library.

    Raises:
        ModelNotFoundError: There is no such file, or no model has that name.
        InvalidModelError: The file is not a GGUF file, or its header is damaged.
        UsageError: Several models could be meant, or `wanted` begins with an unknown home folder.
        EngineError: There is no cache folder for rm-small.
    """
    path, used = expand_user_path(wanted), choose_settings_or_default_model(settings)
    if path.exists() or looks_like_model_path(wanted):
        model = models.read_model_description(path)
        return LibraryModel(
            derive_model_name_with_quantisation(path.stem, model),
            "path",
            model,
            _is_same_file(model.path, used),
        )
    if path == RM_SMALL:
        return _build_rm_small_library_model(used)
    return find_models(settings).find_by_name_or_prefix(wanted)


def _build_rm_small_library_model(used: Path) -> LibraryModel:
    """Describe the embedded model rm-small, whether its merged file exists or not.

    `used`: the model in use.

    Raises:
        ModelNotFoundError: It is not installed.
        EngineError: There is no cache folder.
    """
    files = read_or_predict_model_headers(RM_SMALL)
    model = models.build_model_description(files.there[0][0], files)
    return LibraryModel(RM_SMALL.name, SHIPPED_SOURCE, model, used == RM_SMALL)


def looks_like_model_path(wanted: str) -> bool:
    """Return whether a text can only be a path: it contains a separator, or ends in `.gguf`."""
    separators = {os.sep, os.altsep or os.sep}
    return bool(separators & set(wanted)) or wanted.startswith("~") or wanted.endswith(".gguf")


def derive_model_name_with_quantisation(name: str, model: ModelDescription) -> str:
    """Derive the name of a model for the command line: lower case, ending in the quantisation.

    Letters, marks and digits of all scripts are kept, in their composed form.
    """
    name = _PART.sub("", lowercase_and_compose_accents(name))
    kept = "".join(char if _is_name_character(char) else " " for char in name)
    name = "-".join(kept.split()).strip("-.") or "model"
    stored = model.quantisation.lower()
    return name if stored in name or stored == "unknown" else f"{name}-{stored}"


def lowercase_and_compose_accents(name: str) -> str:
    """Return a name in lower case, with accents composed, as names are compared."""
    return unicodedata.normalize("NFC", name.lower())


def _is_name_character(char: str) -> bool:
    """Return whether a character can be part of a model's name: no blank, sign or control."""
    return char in _NAME_SIGNS or unicodedata.category(char)[0] in "LMN"


def derive_model_name_without_place(settings: Settings, model: Path) -> str:
    """Return the name of a model as in the list of models, without the mark of a place.

    `model` is a path, or the name of an embedded model.

    Raises:
        ModelNotFoundError, InvalidModelError: Its file cannot be read.
    """
    if model == RM_SMALL:
        return RM_SMALL.name
    path = resolve_first_part_path(shipped_model() if model == RM_NANO else model)
    found = (
        each.name
        for each in find_model_locations(settings, lambda _note: None)
        if _is_same_file(each.path, path)
    )
    return derive_model_name_with_quantisation(
        next(found, path.stem), models.read_model_description(path)
    )


def _read_each_model_file_once(
    found: Iterable[ModelLocation], notes: list[str]
) -> Iterable[tuple[ModelLocation, ModelDescription]]:
    """Yield each location with the model in it, but each file on the disk only once.

    A file that cannot be read is skipped, and a message is appended to `notes`.
    """
    seen: set[tuple[int, int]] = set()
    for location in found:
        try:
            path = resolve_first_part_path(location.path)
            at = path.stat()
            if (at.st_dev, at.st_ino) in seen:
                continue
            seen.add((at.st_dev, at.st_ino))
            yield location, models.read_model_description(path)
        except RmLocalError as error:
            notes.append(error.message.rstrip("."))
        except OSError as error:
            notes.append(f"{location.path} cannot be read: {error.strerror}")


def _make_unique_names(found: list[tuple[ModelLocation, ModelDescription]]) -> list[str]:
    """Return a unique name for each model, in order.

    A name that several models share gets the place appended and, if needed, a hash of the path. No
    model keeps a shared name unchanged, because it could later mean another model.
    """
    bare = [derive_model_name_with_quantisation(location.name, model) for location, model in found]
    placed = [f"{name}@{location.place}" for name, (location, _) in zip(bare, found, strict=True)]
    bare_count, placed_count = Counter(bare), Counter(placed)
    names = []
    for name, longer, (_, model) in zip(bare, placed, found, strict=True):
        if bare_count[name] == 1:
            names.append(name)
        elif placed_count[longer] == 1:
            names.append(longer)
        else:
            mark = hashlib.sha256(str(model.path).encode("utf-8", "surrogateescape")).hexdigest()
            names.append(f"{longer}-{mark[:6]}")
    return names


def _is_same_file(left: Path, right: Path) -> bool:
    """Return whether both paths are one file on the disk; False if one of them does not exist."""
    try:
        return left.samefile(right)
    except OSError:
        return False


def _is_exact_name(name: str, wanted: str) -> bool:
    return name == wanted


def _equals_name_without_place(name: str, wanted: str) -> bool:
    """Return whether `wanted` is the name without a place, such as `@ollama` in `qwen3@ollama`."""
    return name.partition("@")[0] == wanted


def _starts_with_wanted(name: str, wanted: str) -> bool:
    return name.startswith(wanted)


def _equals_dashed_form(name: str, wanted: str) -> bool:
    """Return whether `wanted` is the name with each run of other letters replaced by a dash."""
    return re.sub(r"[^a-z0-9._]+", "-", name).strip("-.") == wanted
