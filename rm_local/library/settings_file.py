"""Changes the setting `model` in the settings file; comments and other settings are kept."""

from __future__ import annotations

import os
from pathlib import Path

from rm_local import paths, settings
from rm_local.errors import UsageError
from rm_local.file_kinds import read_small_file
from rm_local.library.added import write_text_file_atomically
from rm_local.text import decode_utf8_text


def save_or_remove_model_setting(path: Path | None) -> None:
    """Write `path` as the setting `model` to the settings file.

    `path` is absolute, or the name of an embedded model.
    None removes the setting, so that the default model is used. After an error the file is
    unchanged.

    Raises:
        SettingsError: The file is not a valid settings file, or cannot be written.
        UsageError: TOML cannot hold the path.
    """
    import tomlkit

    file = paths.config_file()
    if not os.path.exists(file) and path is None:
        return
    text = ""
    if os.path.exists(file):  # Path.exists raises in a closed folder
        settings.load_settings(file)
        text = decode_utf8_text(read_small_file(file))  # as it is, line ends too
    document = tomlkit.parse(text)
    if path is None:
        document.pop("model", None)
    else:
        document["model"] = _require_unicode_path(path)
    write_text_file_atomically(file, tomlkit.dumps(document))


def _require_unicode_path(path: Path) -> str:
    """Format a path for TOML.

    Raises:
        UsageError: The path is not valid Unicode.
    """
    try:
        path.as_posix().encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path} is not valid Unicode.", "Rename the file.") from None
    return str(path)
