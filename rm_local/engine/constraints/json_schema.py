"""JSON schemas as grammars: whatever follows the grammar is valid under the schema.

The reverse does not hold. Objects have no more than the properties that are named, in that order;
white space is bounded; characters are escaped only where JSON requires it. A keyword that
restricts and is not known is an error: an answer that breaks it would look checked.
Keywords: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from rm_local.errors import UsageError

_BASE = {
    "ws": r'(" " | "\n" " "{0,20})?',
    "gap": '" "?',
    "value": "object | array | string | number | boolean | null",
    "object": '"{" ws (pair ("," ws pair)* ws)? "}"',
    "pair": 'string ":" gap value',
    "array": '"[" ws (value ("," ws value)* ws)? "]"',
    "string": r'"\"" char* "\""',
    "char": r'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u00" [0-9a-f]{2})',
    "number": '"-"? positive',
    "positive": r'natural ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
    "integer": '"-"? natural',
    "natural": '"0" | [1-9] [0-9]{0,15}',
    "boolean": '"true" | "false"',
    "null": '"null"',
}
_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "number": {"minimum"},
    "integer": {"minimum"},
}
_SAYS_NOTHING = {
    *("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description"),
    *("default", "examples", "deprecated", "readOnly", "writeOnly"),
    *("format", "contentEncoding", "contentMediaType"),
}
"""Keywords that restrict nothing; `format` is an annotation too, unless a validator is told."""
_KINDS = ("object", "array", "string", "number", "boolean", "null")


def grammar_from_schema(text: str) -> str:
    """The GBNF for a JSON schema's text.

    UsageError when it is no JSON, no schema, or uses what cannot be turned into a grammar.
    """
    try:
        schema = json.loads(text)
        rules = _Rules(schema)
        rules.add("root", rules.of(schema, "#"))
        grammar = "".join(f"{name} ::= {body}\n" for name, body in rules.made.items())
        grammar.encode()
    except ValueError as error:
        raise UsageError(f"The schema is not JSON: {error}.", "Mend it, and try again.") from None
    except RecursionError:
        raise UsageError("The schema is nested too deep.", "Use `$ref` for what recurs.") from None
    return grammar


class _Rules:
    """The rules of one schema. Methods return the right side of a rule; `at` is a JSON pointer."""

    def __init__(self, whole: Any) -> None:
        self.made = dict(_BASE)
        self._whole = whole
        self._referred: dict[str, str] = {}
        self._numbers = count()

    def add(self, name: str, body: str) -> str:
        """Make the rule; its name."""
        self.made[name] = body
        return name

    def of(self, schema: Any, at: str) -> str:
        """What is valid under `schema`."""
        if schema is True:
            return "value"
        if not isinstance(schema, Mapping):
            raise _unfit(at, f"is {json.dumps(schema)[:40]}, not a schema that anything fits")
        for keyword, make in self._WHOLE.items():
            if keyword in schema:
                _only(schema, {keyword, *_also(keyword)}, at)
                return make(self, schema[keyword], f"{at}/{keyword}")
        kinds = schema.get("type", _implied(schema))
        kinds = list(kinds) if isinstance(kinds, list | tuple) else [kinds]
        known = set().union(*(_KEYWORDS.get(str(kind), set()) for kind in kinds))
        _only(schema, {"type", *known}, at)
        return self._any_of([self._typed(schema, kind, at) for kind in kinds], at)

    def _typed(self, schema: Mapping[str, Any], kind: Any, at: str) -> str:
        if kind == "object" and schema.keys() & _KEYWORDS["object"]:
            return self._object(schema, at)
        if kind == "array" and schema.keys() & _KEYWORDS["array"]:
            return self._array(schema, at)
        if kind == "string" and ("minLength" in schema or "maxLength" in schema):
            return f'"\\"" char{_times(schema, "Length", at)} "\\""'
        if kind in ("number", "integer") and "minimum" in schema:
            if schema["minimum"] != 0:
                raise _unfit(f"{at}/minimum", "is not 0, and other bounds cannot be kept")
            return "positive" if kind == "number" else "natural"
        if kind != "integer" and kind not in _KINDS:
            raise _unfit(f"{at}/type", f"is {json.dumps(kind)[:40]}, which is no type")
        return str(kind)

    def _object(self, schema: Mapping[str, Any], at: str) -> str:
        """Properties in their order; two rules for each, before and behind a first one."""
        named, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        required = schema.get("required", [])
        names = isinstance(required, list) and all(isinstance(name, str) for name in required)
        if not isinstance(named, Mapping) or not names:
            raise _unfit(at, "does not give `properties` as an object and `required` as a list")
        if missing := [name for name in required if name not in named]:
            raise _unfit(f"{at}/required", f"names {missing[0]!r}, which is not in `properties`")
        rule = f"o{next(self._numbers)}"
        if not named and more is not False:
            value = self._named(more, f"{at}/additionalProperties")
            pair = self.add(rule, f'string ":" gap {value}')
            return f'"{{" ws ({pair} ("," ws {pair})* ws)? "}}"'
        pairs = []
        for name, inner in named.items():
            value = self._named(inner, f"{at}/properties/{name}")
            pairs.append((f'{_literal(name)} ":" gap {value}', name in required))
        first, later = '""', "ws"
        for number, (pair, needed) in reversed(list(enumerate(pairs))):
            pair = self.add(f"{rule}p{number}", pair)
            first = f"{pair} {later}" + ("" if needed else f" | {first}")
            behind = f'"," ws {pair} {later}' + ("" if needed else f" | {later}")
            first = self.add(f"{rule}f{number}", first)
            later = self.add(f"{rule}l{number}", behind)
        return f'"{{" ws {first} "}}"'

    def _array(self, schema: Mapping[str, Any], at: str) -> str:
        fixed, items = schema.get("prefixItems", []), schema.get("items", True)
        if fixed:
            if schema.keys() & {"minItems", "maxItems"} or not isinstance(fixed, list):
                raise _unfit(f"{at}/prefixItems", "stands beside minItems or maxItems")
            parts = [self._named(item, f"{at}/prefixItems/{n}") for n, item in enumerate(fixed)]
            return '"[" ws ' + ' "," ws '.join(parts) + ' ws "]"'
        if items is False:
            return '"[" ws "]"'
        item = self._named(items, f"{at}/items")
        least, most = _bounds(schema, "Items", at)
        if most == 0:
            return '"[" ws "]"'
        rest = f"{{{max(0, least - 1)},{'' if most is None else most - 1}}}"
        filled = f'{item} ("," ws {item}){rest} ws'
        return '"[" ws ' + (filled if least else f"({filled})?") + ' "]"'

    def _ref(self, pointer: Any, at: str) -> str:
        """The rule of what a `$ref` points to inside the schema; made once, so it may recur."""
        if not isinstance(pointer, str) or not re.match(r"#(/|$)", pointer):
            raise _unfit(at, f"is {json.dumps(pointer)[:60]}; only places in the schema are read")
        if pointer not in self._referred:
            name = self._referred[pointer] = f"r{len(self._referred)}"
            self.add(name, "")
            self.add(name, self.of(_pointed(self._whole, pointer, at), pointer))
        return self._referred[pointer]

    def _any(self, choices: Any, at: str) -> str:
        if not isinstance(choices, list) or not choices:
            raise _unfit(at, "is no list of schemas")
        return self._any_of([self.of(one, f"{at}/{n}") for n, one in enumerate(choices)], at)

    def _all(self, parts: Any, at: str) -> str:
        if not isinstance(parts, list) or len(parts) != 1:
            raise _unfit(at, "holds more than one schema")
        return self.of(parts[0], f"{at}/0")

    def _enum(self, values: Any, at: str) -> str:
        if not isinstance(values, list) or not values:
            raise _unfit(at, "is no list of values")
        return " | ".join(map(_literal, values))

    def _const(self, value: Any, at: str) -> str:
        return _literal(value)

    _WHOLE = {  # noqa: RUF012 (a table of methods, never changed)
        "$ref": _ref,
        "const": _const,
        "enum": _enum,
        "anyOf": _any,
        "oneOf": _any,
        "allOf": _all,
    }

    def _any_of(self, bodies: Sequence[str], at: str) -> str:
        if not bodies:
            raise _unfit(at, "allows no type")
        return bodies[0] if len(bodies) == 1 else " | ".join(f"({body})" for body in bodies)

    def _named(self, schema: Any, at: str) -> str:
        """A rule for `schema`, so that it can stand beside others."""
        body = self.of(schema, at)
        return (
            body if re.fullmatch(r"[a-z]\w*", body) else self.add(f"v{next(self._numbers)}", body)
        )


def _implied(schema: Mapping[str, Any]) -> Any:
    """The type of a schema that gives none: told by its keywords, else any."""
    told = [kind for kind in ("object", "array", "string") if schema.keys() & _KEYWORDS[kind]]
    return told[0] if told else list(_KINDS)


def _also(keyword: str) -> set[str]:
    """What may stand beside a keyword that says all: a `type` that its values speak for."""
    return {"type"} if keyword in ("const", "enum") else set()


def _only(schema: Mapping[str, Any], known: set[str], at: str) -> None:
    for keyword in schema:
        if keyword not in known and keyword not in _SAYS_NOTHING:
            raise _unfit(f"{at}/{keyword}", "is a keyword that cannot be kept here")


def _pointed(whole: Any, pointer: str, at: str) -> Any:
    found = whole
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise _unfit(at, f"points to {pointer[:60]}, where nothing is") from None
    return found


def _bounds(schema: Mapping[str, Any], what: str, at: str) -> tuple[int, int | None]:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    whole = all(type(n) is int and n >= 0 for n in (least, most) if n is not None)
    if not whole or (most is not None and most < least):
        raise _unfit(at, f"has no range between min{what} and max{what}")
    return least, most


def _times(schema: Mapping[str, Any], what: str, at: str) -> str:
    least, most = _bounds(schema, what, at)
    return f"{{{least},{'' if most is None else most}}}"


def _literal(value: Any) -> str:
    """A value as JSON writes it, as a text of the grammar."""
    text = json.dumps(value, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unfit(at: str, what: str) -> UsageError:
    return UsageError(
        f"The schema cannot be turned into a grammar: {at} {what}.",
        "Leave it out or say it otherwise; docs/guide/constrained.md lists what is known.",
    )
