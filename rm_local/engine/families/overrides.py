"""The user's own templates and families: `templates/NAME.jinja` and `templates/NAME.toml`.

NAME is a model's name, the name of its file, or a family; case and signs between words are
ignored.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rm_local.engine.families.family import BadTable, Family, build, shipped
from rm_local.errors import SettingsError

_MEND = "Mend or remove that file; docs/reference/models-thinking.md tells what it may hold."


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text."""

    path: Path
    text: str


class Overrides:
    """The folder of the user's files, which need not exist."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[tuple[str, str], Path] = {}
        if folder and os.path.isdir(folder):  # Path.is_dir raises in a closed folder
            for path in sorted(folder.iterdir()):
                self._files[(_plain(path.stem), path.suffix)] = path

    def template(self, names: Iterable[str]) -> Text | None:
        """The chat template for the first of these names that has one. SettingsError."""
        path = self._find(names, ".jinja")
        if path is None:
            return None
        text = _read(path)
        if not text.strip():
            raise SettingsError(f"{path}, line 1: the template is empty.", _MEND)
        return Text(path, text)

    def family(self, names: Iterable[str], base: Family) -> tuple[Family, Path | None]:
        """`base` as the user's file changes it, and that file; SettingsError when it is wrong.

        Its key `family` names another family to begin with.
        """
        path = self._find(names, ".toml")
        if path is None:
            return base, None
        text = _read(path)
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path} is not TOML: {error}.", _MEND) from None
        try:
            return build(table, _begun(table, base)), path
        except BadTable as error:
            line = _line_of(text, error.key)
            raise SettingsError(f"{path}, line {line}: {error}.", _MEND) from None

    def _find(self, names: Iterable[str], suffix: str) -> Path | None:
        places = ((_plain(name), suffix) for name in names if name)
        return next((self._files[place] for place in places if place in self._files), None)


def _begun(table: dict[str, Any], base: Family) -> Family:
    """The family that the table begins with, which is taken out of it."""
    wanted = table.pop("family", base.name)
    if wanted == base.name:
        return base
    known = {family.name: family for family in shipped()}
    if wanted not in known:
        raise BadTable("family", f"one of {', '.join(known)}")
    family = known[wanted]
    return replace(family, calculator=base.calculator or family.calculator)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", _MEND) from None


def _line_of(text: str, key: str) -> int:
    """The line on which a key is set; 1 when it is not found."""
    found = re.search(rf"^\s*\[?[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1
