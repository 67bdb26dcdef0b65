"""Samples of a measurement, one JSON object a line, so that a run that was killed continues."""

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
    """A dataclass of plain JSON values, with what tells one sample from the others of a file."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> Hashable:
        """What a file has once."""


S = TypeVar("S", bound=KeyedSample)


class SampleFile(Generic[S]):
    """Samples on disk: a first line that says how they were made, then one line each."""

    def __init__(self, path: Path, kind: Callable[..., S], made: Mapping[str, Any]) -> None:
        """Open the file, or begin it; a last line that was cut by a kill is removed.

        Raises:
            UsageError: Its samples were made in another way than `made` says.
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
        """Append the sample; it is in the file when this returns."""
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
    """The objects of these lines."""
    return [json.loads(line) for line in lines]


def index_samples(kind: Callable[..., S], rows: Iterable[Mapping[str, Any]]) -> dict[Hashable, S]:
    """The samples of these objects, by key."""
    samples = (kind(**row) for row in rows)
    return {sample.key: sample for sample in samples}
