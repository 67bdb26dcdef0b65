"""Encodes the messages of `protocol` as lines of JSON, and decodes them."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from rm_local.engine.protocol import Reply, Request

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Request) + get_args(Reply)}


def encode_message(number: int, message: Request | Reply) -> bytes:
    """Encode a message as one line of JSON with a newline; `number`: its request's number."""
    line = {"number": number, "kind": type(message).__name__, "body": message}
    return (
        json.dumps(line, default=_convert_dataclass_to_dict, separators=(",", ":")).encode() + b"\n"
    )


def decode_message(line: bytes) -> tuple[int, Any]:
    """Decode one line of JSON; return the request's number, and the message (request or reply).

    Raises:
        ValueError: The line is not a message of the protocol.
    """
    try:
        raw = json.loads(line)
        return int(raw["number"]), _convert_parsed_json(_KINDS[raw["kind"]], raw["body"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a line of the protocol: {line[:80]!r}") from error


def _convert_dataclass_to_dict(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


_hints = functools.cache(get_type_hints)


def _convert_parsed_json(kind: Any, value: Any) -> Any:
    """Convert a value parsed from JSON to the type `kind`, such as a dataclass or a tuple."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(
            **{name: _convert_parsed_json(hints[name], item) for name, item in value.items()}
        )
    if get_origin(kind) is tuple:
        (item_kind, _) = get_args(kind)
        return tuple(_convert_parsed_json(item_kind, item) for item in value)
    if get_origin(kind) in (Union, types.UnionType) and value is not None:
        return _convert_parsed_json(
            next(arm for arm in get_args(kind) if arm is not type(None)), value
        )
    return value
