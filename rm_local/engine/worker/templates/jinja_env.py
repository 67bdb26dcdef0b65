"""The Jinja environment for chat templates: a sandbox with the extra functions of transformers.

Source: https://huggingface.co/docs/transformers/chat_templating_writing
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

MAX_SIZE = 1 << 20
"""Maximum length of a text or list that a template makes by `*`, and maximum bits of a power."""


class TemplateRefusedError(TemplateError):
    """A chat template refused the messages: it called `raise_exception`."""


class _GenerationTag(Extension):
    """The tag `{% generation %}`, which marks the model's text for training; it has no effect."""

    tags = {"generation"}  # noqa: RUF012 (as the base class has it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return the statements between the tag and its end, unchanged."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _LimitedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with limits on the results of `*` and `**`, which could fill the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute `left * right` or `left ** right`.

        Raises:
            SecurityError: The result would be larger than MAX_SIZE.
        """
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_size(left.bit_length() * abs(right))
        for many, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(times, int) and hasattr(many, "__len__"):
                _check_size(len(many) * times)
        return super().call_binop(context, operator, left, right)


def create_environment() -> ImmutableSandboxedEnvironment:
    """Create the Jinja sandbox in which chat templates are compiled and rendered.

    A template that does something forbidden raises SecurityError.
    """
    environment = _LimitedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _GenerationTag]
    )
    environment.filters["tojson"] = _dump_json
    environment.globals.update(raise_exception=_raise_refusal, strftime_now=_strftime_now)
    return environment


def _check_size(size: int) -> None:
    if size > MAX_SIZE:
        raise SecurityError(f"a value of size {size:,} is created")


def _dump_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Dump a value as JSON: the filter `tojson` of templates, without escapes for HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().strftime(layout)


def _raise_refusal(message: str) -> NoReturn:
    raise TemplateRefusedError(message)
