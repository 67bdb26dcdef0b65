"""The files that say what an answer has to look like."""

from __future__ import annotations

from pathlib import Path

import click

from rm_local.cli.options import EXISTING_FILE
from rm_local.errors import UsageError

_LARGEST = 1 << 20
GRAMMAR = click.option(
    "--grammar", type=EXISTING_FILE, metavar="FILE", help="The answer follows this GBNF grammar."
)
JSON_SCHEMA = click.option(
    "--json-schema",
    "schema",
    type=EXISTING_FILE,
    metavar="FILE",
    help="The answer is JSON of this schema.",
)


def gbnf(grammar: Path | None, schema: Path | None) -> str:
    """The grammar that one of the files asks for; empty without them. `-` is standard input.

    UsageError when there are two, or one that is not text, too large, or not right.
    """
    from rm_local.engine import check_grammar, grammar_from_schema

    if grammar and schema:
        raise UsageError("There are a grammar and a schema.", "Give one of them.")
    if schema:
        made = grammar_from_schema(_text(schema))
        check_grammar(made)
        return made
    if grammar:
        text = _text(grammar)
        check_grammar(text)
        return text
    return ""


def check_streams(question: tuple[str, ...], *files: Path | None) -> None:
    """UsageError: standard input is asked both for the question and for one of the files."""
    from rm_local.store import STDIN, check_inputs

    named = [file for file in files if file]
    if named and (not question or question == ("-",)):
        named.append(STDIN)
    check_inputs(named)


def _text(path: Path) -> str:
    from rm_local.store import input_name, open_input

    name = input_name(path)
    try:
        with open_input(path) as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) <= _LARGEST:
            return raw.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{name} cannot be read: {reason}.", "Name another file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text.", "Name another file.") from None
    raise UsageError(f"{name} has more than {_LARGEST >> 10:,} KB.", "Name another file.")
