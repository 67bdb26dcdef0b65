"""Old names of settings, plans, commands and options: each still works, with a notice.

Names in file formats and in JSON are not listed: they do not change within a version.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

SETTINGS = {
    "kv": "kv_cache_type",
    "overflow": "context_overflow",
    "idle_unload": "idle_unload_minutes",
    "model_folders": "model_dirs",
}
"""Keys of the settings file."""
CONTEXT_OVERFLOW = {"drop": "drop_oldest", "enlarge": "grow"}
"""Values of the setting `context_overflow`."""
PLANS = {"none": "direct", "length": "length-vote", "cue": "cue-only", "random": "random-hints"}
"""Names of plans, also in saved sessions."""
COMMANDS = {
    "store": {"tidy": "optimize", "synth": "generate"},
}
"""Commands of each group."""
OPTIONS = {
    "search": {"effort": "breadth"},
    "models info": {"kv": "kv-cache-type"},
    "store bench": {"effort": "breadth"},
    "store compact": {"level": "compression-level"},
    "store optimize": {"for": "max-seconds"},
}
"""Options of each command, without their dashes."""


class RenamedWarning(FutureWarning):
    """Warning that an old name was used. Commands print it as one line of notice."""


def replace_name(names: Mapping[str, str], name: str, form: str = "{}") -> str:
    """Return the present form of `name`; for an old name of `names` emit a `RenamedWarning`.

    `form` is the notation of a name in the warning, such as `--{}`.
    """
    if name not in names:
        return name
    old, new = form.format(name), form.format(names[name])
    # The line that Python shows is the one that called the caller: that of the old name.
    warnings.warn(f"`{old}` is now `{new}`.", RenamedWarning, stacklevel=3)
    return names[name]
