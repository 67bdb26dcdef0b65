"""Writing a session as it happens, so that a crash loses at most the last token."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from rm_local.loop.events import Event, as_json
from rm_local.sessions.lines import ASKED, HEADER, SUFFIX, VERSION, encode

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Journal:
    """One session's file. It is made by the first question, and readable by its owner alone.

    Nothing here raises: a turn goes on when the disk is full. `warn` is then called once, and
    nothing more is written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        store: str,
        warn: Callable[[str], None] = lambda _message: None,
    ) -> None:
        started = datetime.now().astimezone()
        self.id = f"{started:%Y%m%d-%H%M%S}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
        self.path = folder / f"{self.id}{SUFFIX}"
        self._header = encode(
            HEADER,
            {
                "version": VERSION,
                "id": self.id,
                "started": started.isoformat(timespec="seconds"),
                "model": model,
                "store": store,
            },
        )
        self._warn = warn
        self._file: BinaryIO | None = None
        self._given_up = False

    def ask(self, question: str, plan: str, seed: int = 0) -> None:
        """A turn begins."""
        line = encode(ASKED, {"time": _now(), "question": question, "plan": plan, "seed": seed})
        self._append(line if self._file else self._header + line)

    def write(self, event: Event) -> None:
        """What has just happened in the turn."""
        fields = as_json(event)
        kind = fields.pop("event")
        self._append(encode(kind, {"time": _now(), **fields}))

    def close(self) -> None:
        """No more is written; closing twice is allowed."""
        self._given_up = True
        if self._file:
            # What could not be written is tried again here, and was warned about before.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _append(self, line: bytes) -> None:
        if self._given_up:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self.close()
            reason = error.strerror or type(error).__name__
            self._warn(f"This session is not saved any further: {self.path}: {reason}.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
