"""The user's own templates and families: `templates/NAME.jinja` and `templates/NAME.toml`.

NAME is the name of a model, of its file, or of a family; case and punctuation are ignored.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rm_local.engine.families.family import (
    Family,
    InvalidFamilyTableError,
    build_family,
    load_shipped_families,
)
from rm_local.errors import SettingsError
from rm_local.file_kinds import read_small_file
from rm_local.text import NotUtf8Error, decode_utf8_text

_REMEDY = "Correct or remove that file; docs/reference/models-thinking.md describes its content."


@dataclass(frozen=True, slots=True)
class TemplateOverride:
    """The path and the text of a file with the user's own chat template."""

    path: Path
    text: str


class OverrideFinder:
    """Finds the user's own chat templates and families for a model; the folder may be missing."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[tuple[str, str], Path] = {}
        if folder and os.path.isdir(folder):  # Path.is_dir raises in a closed folder
            for path in sorted(folder.iterdir()):
                self._files[(_normalize_name(path.stem), path.suffix)] = path

    def find_template(self, names: Iterable[str]) -> TemplateOverride | None:
        """Find the user's chat template for the first of `names` that has one; None if none has.

        Raises:
            SettingsError: The file is empty or cannot be read.
        """
        path = self._find_file(names, ".jinja")
        if path is None:
            return None
        text = _read_text(path)
        if not text.strip():
            raise SettingsError(f"{path}, line 1: the template is empty.", _REMEDY)
        return TemplateOverride(path, text)

    def apply_family_override(
        self, names: Iterable[str], base: Family
    ) -> tuple[Family, Path | None]:
        """Apply the user's TOML file for the first of `names` that has one to the family `base`.

        Return the changed family and the file's path; without a file, `base` and None. The key
        `family` in the file names a family to use in place of `base`.

        Raises:
            SettingsError: The file is invalid or cannot be read.
        """
        path = self._find_file(names, ".toml")
        if path is None:
            return base, None
        text = _read_text(path)
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path} is not TOML: {error}.", _REMEDY) from None
        try:
            return build_family(table, _pop_named_family_or_base(table, base)), path
        except InvalidFamilyTableError as error:
            line = _find_key_line_or_one(text, error.key)
            raise SettingsError(f"{path}, line {line}: {error}.", _REMEDY) from None

    def _find_file(self, names: Iterable[str], suffix: str) -> Path | None:
        places = ((_normalize_name(name), suffix) for name in names if name)
        return next((self._files[place] for place in places if place in self._files), None)


def _pop_named_family_or_base(table: dict[str, Any], base: Family) -> Family:
    """Remove the key `family` from a table; return the family that it names, or else `base`.

    The returned family uses the calculator if the named one or `base` does.

    Raises:
        InvalidFamilyTableError: There is no family of that name.
    """
    wanted = table.pop("family", base.name)
    if wanted == base.name:
        return base
    known = {family.name: family for family in load_shipped_families()}
    if wanted not in known:
        raise InvalidFamilyTableError("family", f"one of {', '.join(known)}")
    family = known[wanted]
    return replace(family, calculator=base.calculator or family.calculator)


def _normalize_name(name: str) -> str:
    """Return a name in lower case, with `-` in place of punctuation, for comparison."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def _read_text(path: Path) -> str:
    try:
        return decode_utf8_text(read_small_file(path))
    except (OSError, NotUtf8Error) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", _REMEDY) from None


def _find_key_line_or_one(text: str, key: str) -> int:
    """Find the number of the line in a TOML text that sets a key; 1 if there is no such line."""
    found = re.search(rf"^\s*\[?[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1
