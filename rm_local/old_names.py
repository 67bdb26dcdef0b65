"""Names that users have written and that have changed: each old one still works, with a notice.

Nothing here is a name of a file format or of JSON: those do not change within a version.
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
    """An old name was used. Commands print it as one line of notice."""


def replace_name(names: Mapping[str, str], name: str, form: str = "{}") -> str:
    """Return the present name for `name`, with a `RenamedWarning` if it is an old one of `names`.

    `form` is how the warning writes a name, as in `--{}`.
    """
    if name not in names:
        return name
    old, new = form.format(name), form.format(names[name])
    # The line that Python shows is the one that called the caller: that of the old name.
    warnings.warn(f"`{old}` is now `{new}`.", RenamedWarning, stacklevel=3)
    return names[name]
