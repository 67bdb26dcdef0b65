"""Writing a session as it happens, so that a crash loses at most the last token."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from rm_local.errors import UsageError
from rm_local.loop import Event, event_as_json
from rm_local.lora import LoraAdapter
from rm_local.sessions import lock
from rm_local.sessions.format import ASKED, HEADER, REOPENED, SUFFIX, VERSION, encode, opened

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
Warn = Callable[[str], None]
Unsaved = Callable[[OSError], None]


def _quiet(_message: str) -> None: ...


class Journal:
    """One session's file. It is made by the first question, and readable by its owner alone.

    But for `reopen` nothing here raises: a turn goes on when the disk is full. `unsaved` is then
    called if nothing was saved yet, `warn` otherwise, once; and nothing more is written.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        model: str,
        store: str,
        warn: Warn = _quiet,
        unsaved: Unsaved | None = None,
    ) -> None:
        """`folder` None: nothing is saved. Without `unsaved`, `warn` is called for both."""
        started = datetime.now().astimezone()
        self.id = f"{started:%Y%m%d-%H%M%S}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
        self.path = folder / f"{self.id}{SUFFIX}" if folder else None
        self.begun = False
        """Whether something of this session is saved."""
        self._first: tuple[str, dict[str, Any]] | None = (
            HEADER,
            {
                "version": VERSION,
                "id": self.id,
                "started": started.isoformat(),
                "model": model,
                "store": store,
            },
        )
        """The line that comes before the first question."""
        self._mending = b""
        self._warn = warn
        self._unsaved = unsaved
        self._file: BinaryIO | None = None
        self._given_up = folder is None

    @classmethod
    def reopen(
        cls,
        path: Path,
        *,
        model: str,
        store: str,
        warn: Warn = _quiet,
        unsaved: Unsaved | None = None,
    ) -> Self:
        """The journal of a saved session, to go on behind what it holds.

        Where it cannot be written to, nothing is saved. UsageError when the file is no session, or
        another program writes to it; RmLocalError when it cannot be read.
        """
        opened(path)
        journal = cls(path.parent, model=model, store=store, warn=warn, unsaved=unsaved)
        journal.id, journal.path = path.stem, path
        fields = {"time": _now(), "model": model, "store": store}
        try:
            journal._file = open(path, "r+b")  # noqa: SIM115
            if not lock.take(journal._file):
                journal.close()
                raise UsageError(
                    f"The session {path.stem} is open in another rm-local.", "Close it there first."
                )
            journal._mending = _mended(journal._file)
            journal._first = (REOPENED, fields)
            journal.begun = True
        except OSError as error:
            journal._give_up(error)
        return journal

    def ask(
        self,
        question: str,
        plan: str,
        seed: int = 0,
        *,
        turn: int = 0,
        after: int = 0,
        lora: Sequence[LoraAdapter] = (),
    ) -> None:
        """A turn begins: its number in the session (0 = its place in the file), and that of the
        turn that it follows (0 = none). `lora`: the adapters of the journal's model, which are
        written once with it."""
        fields = {"time": _now(), "question": question, "plan": plan, "seed": seed}
        first = self._mending
        if self._first:
            kind, described = self._first
            first += encode(kind, {**described, "lora": [asdict(each) for each in lora]})
        self._first, self._mending = None, b""
        self._append(first + encode(ASKED, {**fields, "turn": turn, "after": after}))

    def write(self, event: Event) -> None:
        """What has just happened in the turn."""
        fields = event_as_json(event)
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
        if self._given_up or self.path is None:
            return
        created = False
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115
                created = True
                lock.take(self._file)
            self._file.write(line)
            self._file.flush()
            self.begun = True
        except OSError as error:
            self._give_up(error)
            if created and not self.begun:
                with suppress(OSError):
                    self.path.unlink()  # an empty file, or half a first line, is no session

    def _give_up(self, error: OSError) -> None:
        """Write nothing more, and say why."""
        self.close()
        if self._unsaved and not self.begun:
            self._unsaved(error)
            return
        reason = error.strerror or type(error).__name__
        self._warn(f"This session is not saved any further: {self.path}: {reason}.")


def _mended(file: BinaryIO) -> bytes:
    """Goes to the file's end; what has to come first there: a line that was cut short is ended."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) in (b"", b"\n") else b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
