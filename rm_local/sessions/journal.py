"""Writes the file of a session event by event, so that a crash loses at most the last event."""

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
from rm_local.sessions.format import (
    ASKED,
    HEADER,
    REOPENED,
    SUFFIX,
    VERSION,
    encode_line,
    read_session_header_and_lines,
)

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
Warn = Callable[[str], None]
Unsaved = Callable[[OSError], None]


def _ignore_warning(_message: str) -> None: ...


class Journal:
    """Writer of one session file. The first question creates the file; only its owner can read it.

    No method except `reopen` raises an error, so that a turn continues when the disk is full. After
    a failed write nothing more is written. The failure is reported once: with `unsaved(error)` if
    nothing was saved before, otherwise with `warn(message)`.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        model: str,
        store: str,
        stores: Sequence[str] = (),
        warn: Warn = _ignore_warning,
        unsaved: Unsaved | None = None,
    ) -> None:
        """Prepare a new session file in `folder`; with None nothing is saved.

        `model` and `store` are their paths, for the header; `stores` are the paths of all stores if
        there are several. Without `unsaved`, `warn` replaces it.
        """
        self._stores = {"stores": list(stores)} if len(stores) > 1 else {}
        started = datetime.now().astimezone()
        self.id = f"{started:%Y%m%d-%H%M%S}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
        self.path = folder / f"{self.id}{SUFFIX}" if folder else None
        self.begun = False
        """Whether anything of this session has been saved."""
        self._first: tuple[str, dict[str, Any]] | None = (
            HEADER,
            {
                "version": VERSION,
                "id": self.id,
                "started": started.isoformat(),
                "model": model,
                "store": store,
                **self._stores,
            },
        )
        """Kind and fields of the line before the first question; None once it is written."""
        self._completion = b""
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
        stores: Sequence[str] = (),
        warn: Warn = _ignore_warning,
        unsaved: Unsaved | None = None,
    ) -> Self:
        """Open the file of a saved session to append to it; if it is read-only, nothing is saved.

        Raises:
            UsageError: The file is not a session, or another program has it open.
            RmLocalError: The file cannot be read.
        """
        read_session_header_and_lines(path)
        journal = cls(
            path.parent, model=model, store=store, stores=stores, warn=warn, unsaved=unsaved
        )
        journal.id, journal.path = path.stem, path
        fields = {"time": _format_now(), "model": model, "store": store, **journal._stores}
        try:
            journal._file = open(path, "r+b")  # noqa: SIM115
            if not lock.try_lock_file(journal._file):
                journal.close()
                raise UsageError(
                    f"The session {path.stem} is open in another rm-local.", "Close it there first."
                )
            journal._completion = _find_missing_line_break(journal._file)
            journal._first = (REOPENED, fields)
            journal.begun = True
        except OSError as error:
            journal._stop_saving_and_report(error)
        return journal

    def write_question(
        self,
        question: str,
        plan: str,
        seed: int = 0,
        *,
        turn: int = 0,
        after: int = 0,
        lora: Sequence[LoraAdapter] = (),
    ) -> None:
        """Write the line that begins a turn: its question, the name of its plan and its seed.

        `turn` is its number in the session (0 = its position in the file), `after` the number of
        the turn before it in the conversation (0 = none). `lora` lists the adapters of the model;
        the line with the model and its adapters is written only before the first question.
        """
        fields = {"time": _format_now(), "question": question, "plan": plan, "seed": seed}
        first = self._completion
        if self._first:
            kind, described = self._first
            first += encode_line(kind, {**described, "lora": [asdict(each) for each in lora]})
        self._first, self._completion = None, b""
        self._append_line_or_stop_saving(
            first + encode_line(ASKED, {**fields, "turn": turn, "after": after})
        )

    def write_event(self, event: Event) -> None:
        """Append an event of the current turn, with the present time."""
        fields = event_as_json(event)
        kind = fields.pop("event")
        self._append_line_or_stop_saving(encode_line(kind, {"time": _format_now(), **fields}))

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._given_up = True
        if self._file:
            # Closing retries a failed write, which was reported before.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _append_line_or_stop_saving(self, line: bytes) -> None:
        """Append the line, creating the file if needed; after an error stop saving."""
        if self._given_up or self.path is None:
            return
        created = False
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "xb", opener=_open_for_owner_only)  # noqa: SIM115
                created = True
                lock.try_lock_file(self._file)
            self._file.write(line)
            self._file.flush()
            self.begun = True
        except OSError as error:
            self._stop_saving_and_report(error)
            if created and not self.begun:
                with suppress(OSError):
                    self.path.unlink()  # without a whole first line it is not a session

    def _stop_saving_and_report(self, error: OSError) -> None:
        """Close the file after a failed write, and report `error`; nothing more is written."""
        self.close()
        if self._unsaved and not self.begun:
            self._unsaved(error)
            return
        reason = error.strerror or type(error).__name__
        self._warn(f"This session is not saved any further: {self.path}: {reason}.")


def _find_missing_line_break(file: BinaryIO) -> bytes:
    """Seek to the end of `file`; return the line break that its last line lacks, else b""."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) in (b"", b"\n") else b"\n"


def _open_for_owner_only(path: str, flags: int) -> int:
    """Open a file that only its owner can read and write; return its descriptor."""
    return os.open(path, flags, 0o600)


def _format_now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
