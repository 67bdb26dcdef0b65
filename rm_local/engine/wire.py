"""The protocol's messages as lines: one JSON object each, and back."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from rm_local.engine.protocol import Reply, Request

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Request) + get_args(Reply)}


def encode(number: int, message: Request | Reply) -> bytes:
    """One line, ended by a newline. `number` is that of the request, also in replies."""
    line = {"number": number, "kind": type(message).__name__, "body": message}
    return json.dumps(line, default=_as_dict, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> tuple[int, Any]:
    """Number and message (a `Request` or a `Reply`) of one line. ValueError if it is none."""
    try:
        raw = json.loads(line)
        return int(raw["number"]), _build(_KINDS[raw["kind"]], raw["body"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a line of the protocol: {line[:80]!r}") from error


def _as_dict(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


_hints = functools.cache(get_type_hints)


def _build(kind: Any, value: Any) -> Any:
    """`value`, as JSON gives it, as the type that a field declares."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in value.items()})
    if get_origin(kind) is tuple:
        (item_kind, _) = get_args(kind)
        return tuple(_build(item_kind, item) for item in value)
    if get_origin(kind) in (Union, types.UnionType) and value is not None:
        return _build(next(arm for arm in get_args(kind) if arm is not type(None)), value)
    return value
