"""All models of this machine under short names, and the one that a name means."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rm_local.errors import ModelMissing, RmLocalError, UsageError
from rm_local.gguf import first_part
from rm_local.home import expand_home
from rm_local.library import model_file as models
from rm_local.library.embedded_models import RM_SMALL, read_model_files, resolve_model
from rm_local.library.locations import SHIPPED_SOURCE, Spot, spots
from rm_local.library.model_file import ModelFile
from rm_local.settings import Settings

_PART = re.compile(r"-\d{5}-of-\d{5}$")
_UNFIT = re.compile(r"[^a-z0-9._]+")


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """A model and what it is called here."""

    name: str
    place: str
    model: ModelFile
    in_use: bool

    @property
    def reference(self) -> Path:
        """What settings and options call it: its file, or the name of an embedded model."""
        return RM_SMALL if self.name == RM_SMALL.name else self.model.path


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A model that would come with rm-local, and why it cannot be used."""

    name: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Library:
    """What was found, in words what was ignored, and which embedded models are not installed."""

    models: tuple[LibraryModel, ...]
    notes: tuple[str, ...]
    missing: tuple[MissingModel, ...] = ()

    def named(self, name: str) -> LibraryModel:
        """The model that is meant: its name, or the beginning of no other's.

        Raises ModelMissing when none is, UsageError when several could be.
        """
        wanted = name.lower()
        for missing in self.missing:
            if missing.name == wanted:
                raise ModelMissing(missing.message, missing.remedy)
        for fits in (_is, _is_but_for_the_place, _begins):
            found = [listed for listed in self.models if fits(listed.name, wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(listed.name for listed in found[:5])
                raise UsageError(f"{name} could be several models.", f"Say which: {names}.")
        close = get_close_matches(wanted, [listed.name for listed in self.models], 3, 0.5)
        near = f"Did you mean {' or '.join(close)}? " if close else ""
        raise ModelMissing(
            f"There is no model called {name}.", f"{near}`rm-local models` lists them all."
        )


def find_models(settings: Settings) -> Library:
    """Every model that can be found, a file once, in the order of the places."""
    notes: list[str] = []
    found = [*_distinct(spots(settings, notes.append), notes)]
    used = resolve_model(settings)
    names = _names(found)
    listed = [
        LibraryModel(name, spot.place, model, _same(model.path, used))
        for name, (spot, model) in zip(names, found, strict=True)
    ]
    missing: tuple[MissingModel, ...] = ()
    try:
        shipped = sum(each.place == SHIPPED_SOURCE for each in listed)
        listed.insert(shipped, _find_rm_small(used))
    except RmLocalError as error:
        missing = (MissingModel(RM_SMALL.name, error.message, error.remedy),)
    return Library(tuple(listed), tuple(dict.fromkeys(notes)), missing)


def find_model(settings: Settings, wanted: str) -> LibraryModel:
    """The model at a path, or else of a name.

    Raises ModelMissing, ModelInvalid, UsageError; EngineError when rm-small has no cache folder.
    """
    path, used = expand_home(wanted), resolve_model(settings)
    if path.exists() or is_model_path(wanted):
        model = models.read_model(path)
        return LibraryModel(short_name(path.stem, model), "path", model, _same(model.path, used))
    if path == RM_SMALL:
        return _find_rm_small(used)
    return find_models(settings).named(wanted)


def _find_rm_small(used: Path) -> LibraryModel:
    """rm-small, prepared or not. ModelMissing: it is not installed. EngineError: no cache."""
    files = read_model_files(RM_SMALL)
    model = models.describe_model(files.there[0][0], files)
    return LibraryModel(RM_SMALL.name, SHIPPED_SOURCE, model, used == RM_SMALL)


def is_model_path(wanted: str) -> bool:
    """Whether a text can only be meant as a path: it names a folder, or ends in `.gguf`."""
    return len(Path(wanted).parts) != 1 or wanted.startswith("~") or wanted.endswith(".gguf")


def short_name(name: str, model: ModelFile) -> str:
    """A name for the command line: small letters, the quantisation in it."""
    name = _UNFIT.sub("-", _PART.sub("", name).lower()).strip("-.") or "model"
    stored = model.quantisation.lower()
    return name if stored in name or stored == "unknown" else f"{name}-{stored}"


def _distinct(found: Iterable[Spot], notes: list[str]) -> Iterable[tuple[Spot, ModelFile]]:
    """Each model once, by the file on the disk; what cannot be read becomes a note."""
    seen: set[tuple[int, int]] = set()
    for spot in found:
        try:
            path = first_part(spot.path)
            at = path.stat()
            if (at.st_dev, at.st_ino) in seen:
                continue
            seen.add((at.st_dev, at.st_ino))
            yield spot, models.read_model(path)
        except RmLocalError as error:
            notes.append(error.message.rstrip("."))
        except OSError as error:
            notes.append(f"{spot.path} cannot be read: {error.strerror}")


def _names(found: list[tuple[Spot, ModelFile]]) -> list[str]:
    """A name for each. Of those that share one each gets its place, then a mark of its path.

    None keeps the bare name then, so that it never comes to mean another model unnoticed.
    """
    bare = [short_name(spot.name, model) for spot, model in found]
    placed = [f"{name}@{spot.place}" for name, (spot, _) in zip(bare, found, strict=True)]
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


def _same(left: Path, right: Path) -> bool:
    try:
        return left.samefile(right)
    except OSError:
        return False


def _is(name: str, wanted: str) -> bool:
    return name == wanted


def _is_but_for_the_place(name: str, wanted: str) -> bool:
    return name.partition("@")[0] == wanted


def _begins(name: str, wanted: str) -> bool:
    return name.startswith(wanted)
