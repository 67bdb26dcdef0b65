"""Which model the settings file names: changed in place, comments and all else kept."""

from __future__ import annotations

import os
from pathlib import Path

from rm_local import paths, settings
from rm_local.errors import UsageError
from rm_local.library.added import replace


def use_model(path: Path | None) -> None:
    """Let the settings name a model by an absolute path, or an embedded one by its name.

    None removes the name, so that the default runs.

    Raises SettingsError when the file is no settings file or cannot be written; it is then as it
    was.
    """
    import tomlkit

    file = paths.config_file()
    if not os.path.exists(file) and path is None:
        return
    text = ""
    if os.path.exists(file):  # Path.exists raises in a closed folder
        settings.load_settings(file)
        text = file.read_bytes().decode("utf-8")  # as it is, line ends too
    document = tomlkit.parse(text)
    if path is None:
        document.pop("model", None)
    else:
        document["model"] = _told(path)
    replace(file, tomlkit.dumps(document))


def _told(path: Path) -> str:
    """The path as TOML can hold it."""
    try:
        path.as_posix().encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path} has a name that is no text.", "Give it another name.") from None
    return str(path)
