"""Translates JSON schemas to grammars; a text that follows the grammar is valid for the schema.

The grammar accepts fewer texts than the schema: objects have only the listed properties, in that
order; white space is limited; characters are escaped only where JSON requires it. An unknown
keyword that restricts values is an error, because an answer could violate it unnoticed.
Keywords: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from rm_local.engine.constraints.json_values import (
    has_allowed_type,
    parse_finite,
    refuse_constant,
)
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
_ANNOTATIONS = {
    *("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description"),
    *("default", "examples", "deprecated", "readOnly", "writeOnly"),
    *("format", "contentEncoding", "contentMediaType"),
}
"""Keywords of JSON Schema that do not restrict values, and are ignored."""
_KINDS = ("object", "array", "string", "number", "boolean", "null")


def grammar_from_schema(text: str) -> str:
    """Translate the text of a JSON schema into a grammar in GBNF.

    Raises:
        UsageError: The text is not JSON, not a schema, or uses a keyword that cannot be translated.
    """
    try:
        schema = json.loads(text, parse_constant=refuse_constant, parse_float=parse_finite)
        rules = _SchemaTranslator(schema)
        rules.add_rule("root", rules.translate_schema(schema, "#"))
        grammar = "".join(f"{name} ::= {body}\n" for name, body in rules.made.items())
        grammar.encode()
    except UnicodeEncodeError:
        message = "The schema contains half of a pair of surrogates, which is no character."
        raise UsageError(message, "Correct the escape that begins with \\ud.") from None
    except ValueError as error:
        raise UsageError(f"The schema is not JSON: {error}.", "Correct it.") from None
    except RecursionError:
        raise UsageError("The schema is nested too deep.", "Use `$ref` for recursion.") from None
    return grammar


class _SchemaTranslator:
    """Translates one JSON schema, and collects the rules of the grammar in `made`.

    Methods return the right side of a rule. Their argument `at` is the JSON pointer to the part of
    the schema, for error messages.
    """

    def __init__(self, whole: Any) -> None:
        self.made = dict(_BASE)
        self._whole = whole
        self._referred: dict[str, str] = {}
        self._leading: tuple[str, ...] = ()
        """Targets of `$ref` that are translated now, with no object or array in between."""
        self._numbers = count()

    def add_rule(self, name: str, body: str) -> str:
        """Add the rule `name ::= body` to the grammar; return the name."""
        self.made[name] = body
        return name

    def translate_schema(self, schema: Any, at: str) -> str:
        """Translate a schema to the right side of a rule that matches the schema's valid values.

        Raises:
            UsageError: The schema has a keyword or value that cannot be translated.
        """
        if schema is True:
            return "value"
        if not isinstance(schema, Mapping):
            raise _make_schema_error(
                at, f"is {json.dumps(schema)[:40]}, not a schema that allows a value"
            )
        for keyword, make in self._WHOLE.items():
            if keyword in schema:
                _check_keywords(schema, {keyword, *_list_allowed_companions(keyword)}, at)
                _check_type_allows_const_or_enum(schema, keyword, at)
                return make(
                    self, _get_keyword_value_with_enum_filtered(schema, keyword), f"{at}/{keyword}"
                )
        kinds = schema.get("type", _infer_type_or_all_types(schema))
        kinds = list(kinds) if isinstance(kinds, list | tuple) else [kinds]
        known = set().union(*(_KEYWORDS.get(str(kind), set()) for kind in kinds))
        _check_keywords(schema, {"type", *known}, at)
        return self._join_alternatives(
            [self._translate_type(schema, kind, at) for kind in kinds], at
        )

    def _translate_type(self, schema: Mapping[str, Any], kind: Any, at: str) -> str:
        if kind in ("object", "array") and schema.keys() & _KEYWORDS[kind]:
            translate = self._translate_object if kind == "object" else self._translate_array
            with self._replace_leading(()):
                return translate(schema, at)
        if kind == "string" and ("minLength" in schema or "maxLength" in schema):
            return f'"\\"" char{_format_repetition(schema, "Length", at)} "\\""'
        if kind in ("number", "integer") and "minimum" in schema:
            if schema["minimum"] != 0:
                raise _make_schema_error(f"{at}/minimum", "is not 0, the only supported bound")
            return "positive" if kind == "number" else "natural"
        if kind != "integer" and kind not in _KINDS:
            raise _make_schema_error(
                f"{at}/type", f"is {json.dumps(kind)[:40]}, which is not a type"
            )
        return str(kind)

    def _translate_object(self, schema: Mapping[str, Any], at: str) -> str:
        """Translate an object schema; its properties have to be written in the given order.

        Each property gets two rules: one as the first property of the object, one as a later one.
        """
        named, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        required = schema.get("required", [])
        names = isinstance(required, list) and all(isinstance(name, str) for name in required)
        if not isinstance(named, Mapping) or not names:
            raise _make_schema_error(
                at, "does not give `properties` as an object and `required` as a list"
            )
        if missing := [name for name in required if name not in named]:
            raise _make_schema_error(
                f"{at}/required", f"names {missing[0]!r}, which is not in `properties`"
            )
        rule = f"o{next(self._numbers)}"
        if not named and more is not False:
            value = self._ensure_rule(more, f"{at}/additionalProperties")
            pair = self.add_rule(rule, f'string ":" gap {value}')
            return f'"{{" ws ({pair} ("," ws {pair})* ws)? "}}"'
        pairs = []
        for name, inner in named.items():
            value = self._ensure_rule(inner, f"{at}/properties/{name}")
            pairs.append((f'{_format_literal(name)} ":" gap {value}', name in required))
        first, later = '""', "ws"
        for number, (pair, needed) in reversed(list(enumerate(pairs))):
            pair = self.add_rule(f"{rule}p{number}", pair)
            first = f"{pair} {later}" + ("" if needed else f" | {first}")
            later_body = f'"," ws {pair} {later}' + ("" if needed else f" | {later}")
            first = self.add_rule(f"{rule}f{number}", first)
            later = self.add_rule(f"{rule}l{number}", later_body)
        return f'"{{" ws {first} "}}"'

    def _translate_array(self, schema: Mapping[str, Any], at: str) -> str:
        fixed, items = schema.get("prefixItems", []), schema.get("items", True)
        if fixed:
            if schema.keys() & {"minItems", "maxItems"} or not isinstance(fixed, list):
                raise _make_schema_error(
                    f"{at}/prefixItems", "is combined with minItems or maxItems"
                )
            parts = [
                self._ensure_rule(item, f"{at}/prefixItems/{n}") for n, item in enumerate(fixed)
            ]
            return '"[" ws ' + ' "," ws '.join(parts) + ' ws "]"'
        least, most = _read_bounds(schema, "Items", at)
        if items is False:
            if least:
                raise _make_schema_error(f"{at}/minItems", "is not 0, but `items` allows no item")
            return '"[" ws "]"'
        item = self._ensure_rule(items, f"{at}/items")
        if most == 0:
            return '"[" ws "]"'
        rest = f"{{{max(0, least - 1)},{'' if most is None else most - 1}}}"
        filled = f'{item} ("," ws {item}){rest} ws'
        return '"[" ws ' + (filled if least else f"({filled})?") + ' "]"'

    def _translate_ref(self, pointer: Any, at: str) -> str:
        """Return the name of the rule for a `$ref`'s target; each target is translated once."""
        if not isinstance(pointer, str) or not re.match(r"#(/|$)", pointer):
            raise _make_schema_error(
                at, f"is {json.dumps(pointer)[:60]}, not a place in this schema"
            )
        if pointer in self._leading:
            raise _make_schema_error(at, "refers to itself, with no object or array in between")
        if pointer not in self._referred:
            name = self._referred[pointer] = f"r{len(self._referred)}"
            self.add_rule(name, "")
            target = _resolve_pointer(self._whole, pointer, at)
            with self._replace_leading((*self._leading, pointer)):
                self.add_rule(name, self.translate_schema(target, pointer))
        return self._referred[pointer]

    @contextmanager
    def _replace_leading(self, pointers: tuple[str, ...]) -> Iterator[None]:
        before, self._leading = self._leading, pointers
        try:
            yield
        finally:
            self._leading = before

    def _translate_any_of(self, choices: Any, at: str) -> str:
        if not isinstance(choices, list) or not choices:
            raise _make_schema_error(at, "is not a list of schemas")
        return self._join_alternatives(
            [self.translate_schema(one, f"{at}/{n}") for n, one in enumerate(choices)], at
        )

    def _translate_single_all_of(self, parts: Any, at: str) -> str:
        """Translate `allOf` with one schema; several schemas are not supported."""
        if not isinstance(parts, list) or len(parts) != 1:
            raise _make_schema_error(at, "holds more than one schema")
        return self.translate_schema(parts[0], f"{at}/0")

    def _translate_enum(self, values: Any, at: str) -> str:
        if not isinstance(values, list) or not values:
            raise _make_schema_error(at, "is not a list of values")
        return " | ".join(map(_format_literal, values))

    def _translate_const(self, value: Any, at: str) -> str:
        return _format_literal(value)

    _WHOLE = {  # noqa: RUF012 (a table of methods, never changed)
        "$ref": _translate_ref,
        "const": _translate_const,
        "enum": _translate_enum,
        "anyOf": _translate_any_of,
        "oneOf": _translate_any_of,
        "allOf": _translate_single_all_of,
    }

    def _join_alternatives(self, bodies: Sequence[str], at: str) -> str:
        if not bodies:
            raise _make_schema_error(at, "allows no type")
        return bodies[0] if len(bodies) == 1 else " | ".join(f"({body})" for body in bodies)

    def _ensure_rule(self, schema: Any, at: str) -> str:
        """Return the name of a rule for `schema`; add a rule unless the translation is a name."""
        body = self.translate_schema(schema, at)
        return (
            body
            if re.fullmatch(r"[a-z]\w*", body)
            else self.add_rule(f"v{next(self._numbers)}", body)
        )


def _infer_type_or_all_types(schema: Mapping[str, Any]) -> Any:
    """Return the type that a schema's keywords imply; a list of all types if they imply none."""
    found = [kind for kind in ("object", "array", "string") if schema.keys() & _KEYWORDS[kind]]
    return found[0] if found else list(_KINDS)


def _list_allowed_companions(keyword: str) -> set[str]:
    """List the other keywords that a schema with `keyword` may have: `type` or none."""
    return {"type"} if keyword in ("const", "enum") else set()


def _get_keyword_value_with_enum_filtered(schema: Mapping[str, Any], keyword: str) -> Any:
    """Return the value of `keyword`; of an `enum` only the values that the schema's type allows."""
    values = schema[keyword]
    if keyword != "enum" or "type" not in schema or not isinstance(values, list):
        return values
    return [value for value in values if has_allowed_type(value, schema["type"])]


def _check_type_allows_const_or_enum(schema: Mapping[str, Any], keyword: str, at: str) -> None:
    """Check that the type of a schema allows its `const`, or a value of its `enum`.

    Raises:
        UsageError: It allows none of them, or is no type.
    """
    if keyword not in ("const", "enum") or "type" not in schema:
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not kinds or not all(kind == "integer" or kind in _KINDS for kind in kinds):
        raise _make_schema_error(f"{at}/type", "is not a type, nor a list of types")
    values = schema[keyword] if keyword == "enum" else [schema[keyword]]
    if isinstance(values, list) and not any(has_allowed_type(value, kinds) for value in values):
        raise _make_schema_error(f"{at}/{keyword}", "has no value that `type` allows")


def _check_keywords(schema: Mapping[str, Any], known: set[str], at: str) -> None:
    for keyword in schema:
        if keyword not in known and keyword not in _ANNOTATIONS:
            raise _make_schema_error(f"{at}/{keyword}", "is a keyword that is not supported here")


def _resolve_pointer(whole: Any, pointer: str, at: str) -> Any:
    """Return the part of `whole` to which a JSON pointer, such as `#/$defs/x`, points."""
    found = whole
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise _make_schema_error(
                at, f"points to {pointer[:60]}, which does not exist"
            ) from None
    return found


def _read_bounds(schema: Mapping[str, Any], what: str, at: str) -> tuple[int, int | None]:
    """Read the values of `min{what}` and `max{what}`; 0 and None if they are missing."""
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    whole = all(type(n) is int and n >= 0 for n in (least, most) if n is not None)
    if not whole or (most is not None and most < least):
        raise _make_schema_error(at, f"has no valid range from min{what} to max{what}")
    return least, most


def _format_repetition(schema: Mapping[str, Any], what: str, at: str) -> str:
    least, most = _read_bounds(schema, what, at)
    return f"{{{least},{'' if most is None else most}}}"


def _format_literal(value: Any) -> str:
    """Format a value as a quoted literal of the grammar that matches the value's JSON text."""
    text = json.dumps(value, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _make_schema_error(at: str, what: str) -> UsageError:
    return UsageError(
        f"The schema cannot be turned into a grammar: {at} {what}.",
        "Remove or replace it; docs/guide/constrained.md lists the supported keywords.",
    )
