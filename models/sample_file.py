"""Append-only JSON Lines file of a measurement's samples, with which a killed run continues."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from rm_local.errors import UsageError


class KeyedSample(Protocol):
    """Protocol of a sample: a dataclass of JSON values with a key that is unique in its file."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> Hashable:
        """The value by which the file finds the sample."""


S = TypeVar("S", bound=KeyedSample)


class SampleFile(Generic[S]):
    """File of samples: a first line with the conditions of the run, then a line for each sample.

    `samples` holds those that are in the file, by key.
    """

    def __init__(self, path: Path, kind: Callable[..., S], made: Mapping[str, Any]) -> None:
        """Open or create the file; remove a last line that a kill left incomplete.

        `kind` is the class of the samples, `made` the conditions, written to the first line.

        Raises:
            UsageError: The file's samples were made under other conditions.
        """
        self.samples: dict[Hashable, S] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            self._read_samples(path, kind, json.loads(json.dumps(made)))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def add_sample(self, sample: S) -> None:
        """Append the sample; it is on disk when this returns."""
        self._write_line(asdict(sample))
        self.samples[sample.key] = sample

    def _read_samples(self, path: Path, kind: Callable[..., S], made: Any) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        lines = parse_json_lines(whole.splitlines())
        if not lines:
            self._write_line(made)
        elif differing := [key for key in made if lines[0].get(key) != made[key]]:
            raise UsageError(
                f"{path} was made with another {', '.join(differing)}.",
                "Name another file with --out, or remove this one.",
            )
        self.samples = index_samples(kind, lines[1:])

    def _write_line(self, row: Any) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def parse_json_lines(lines: Iterable[str | bytes]) -> list[dict[str, Any]]:
    """Return the JSON object of each line."""
    return [json.loads(line) for line in lines]


def index_samples(kind: Callable[..., S], rows: Iterable[Mapping[str, Any]]) -> dict[Hashable, S]:
    """Build samples of the class `kind` from JSON objects; return them by key."""
    samples = (kind(**row) for row in rows)
    return {sample.key: sample for sample in samples}
