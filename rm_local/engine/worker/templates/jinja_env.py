"""Jinja as chat templates know it: sandboxed, with what transformers gives to templates.

Facts: https://huggingface.co/docs/transformers/chat_templating_writing
"""

from __future__ import annotations

import datetime
import json
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 1 << 20
"""Items of the longest text or list that `*` may make, and bits of the largest power."""


class Refusal(TemplateError):
    """The template has called `raise_exception`."""


class _Generation(Extension):
    """`{% generation %}` marks what a model wrote, for training; here it is only its content."""

    tags = {"generation"}  # noqa: RUF012 (as the base class has it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with the two operators checked that make much of little."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check(left.bit_length() * abs(right))
        for many, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(times, int) and hasattr(many, "__len__"):
                _check(len(many) * times)
        return super().call_binop(context, operator, left, right)


def environment() -> ImmutableSandboxedEnvironment:
    """A new environment; a template that does what is not allowed gets SecurityError."""
    made = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
    )
    made.filters["tojson"] = _tojson
    made.globals.update(raise_exception=_refuse, strftime_now=_strftime_now)
    return made


def _check(size: int) -> None:
    if size > LARGEST:
        raise SecurityError(f"a value of size {size:,} is made")


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().strftime(layout)


def _refuse(message: str) -> NoReturn:
    raise Refusal(message)
