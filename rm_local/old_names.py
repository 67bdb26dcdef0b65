"""Old names of settings, plans, commands and options: each still works, with a notice.

Names in file formats and in JSON are not listed: they do not change within a version.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

SETTINGS = {
    "kv": "kv_cache_type",
    "overflow": "context_overflow",
    "idle_unload": "idle_unload_minutes",
    "model_folders": "model_dirs",
    "store": "stores",
}
"""Maps old keys of the settings file to the present ones."""
CONTEXT_OVERFLOW = {"drop": "drop_oldest", "enlarge": "grow"}
"""Maps old values of the setting `context_overflow` to the present ones."""
PLANS = {"none": "direct", "length": "length-vote", "cue": "cue-only", "random": "random-hints"}
"""Maps old names of plans to the present ones; saved sessions may contain old names."""
COMMANDS = {
    "store": {"tidy": "optimize", "synth": "generate"},
}
"""Maps old names of commands to the present ones, for each group of commands."""
OPTIONS = {
    "search": {"effort": "breadth"},
    "models info": {"kv": "kv-cache-type"},
    "store bench": {"effort": "breadth"},
    "store compact": {"level": "compression-level"},
    "store optimize": {"for": "max-seconds"},
}
"""Maps old names of options, without dashes, to the present ones, for each command."""


class RenamedWarning(FutureWarning):
    """Warning that an old name was used. Commands print it as one line of notice."""


def warn_and_replace_old_name(
    names: Mapping[str, str], name: str, form: str = "{}", *, file: Path | None = None
) -> str:
    """Return `name`, or the present name if it is an old one: then emit a `RenamedWarning`.

    `names` maps old names to present ones. `form` is the notation of a name in the warning, such as
    `--{}`. `file`: the file in which the name stands, for the warning.
    """
    if name not in names:
        return name
    old, new = form.format(name), form.format(names[name])
    # The line that Python shows is the one that called the caller: that of the old name.
    place = f" Change it in {file}." if file else ""
    warnings.warn(f"`{old}` is now `{new}`.{place}", RenamedWarning, stacklevel=3)
    return names[name]
