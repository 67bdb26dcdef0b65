"""Keeps warnings, log lines and progress bars of libraries off the screen of the user."""

from __future__ import annotations

import os
import sys
import warnings

_QUIET = {
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Environment variables of libraries that print by themselves. A value of the user's is kept."""


def silence_libraries() -> None:
    """Let no library print warnings or progress bars in this process and its children.

    Python's option `-W` and PYTHONWARNINGS show the warnings again.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def silence_loggers_without_handlers() -> None:
    """Let no logger without a handler print to standard error, such as that of asyncio."""
    import logging  # takes 5 ms: too long for `--help`

    logging.lastResort = logging.NullHandler()
