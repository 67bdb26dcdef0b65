"""Command-line options that constrain the form of an answer by a grammar or a JSON schema."""

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


def read_grammar_or_empty(grammar: Path | None, schema: Path | None) -> str:
    """Read the grammar from its file, or make one from the schema's file; empty without a file.

    The result is in GBNF. The file `-` is standard input.

    Raises:
        UsageError: Two files are given, or the file is not text, too large, or invalid.
    """
    from rm_local.engine import check_grammar_is_safe, grammar_from_schema

    if grammar and schema:
        raise UsageError("A grammar and a schema were given.", "Give one of them.")
    if schema:
        made = grammar_from_schema(_read_constraint_file(schema))
        check_grammar_is_safe(made)
        return made
    if grammar:
        text = _read_constraint_file(grammar)
        check_grammar_is_safe(text)
        return text
    return ""


def check_stdin_used_at_most_once(question: tuple[str, ...], *files: Path | None) -> None:
    """Check that at most one of the question and the files is to be read from standard input.

    Raises:
        UsageError: Two of them would be read from standard input.
    """
    from rm_local.store import STDIN, check_inputs_are_readable

    named = [file for file in files if file]
    if named and (not question or question == ("-",)):
        named.append(STDIN)
    check_inputs_are_readable(named)


def _read_constraint_file(path: Path) -> str:
    """Read a text file of at most _LARGEST bytes.

    Raises:
        UsageError: It cannot be read, is larger, or is not UTF-8.
    """
    from rm_local.store import get_input_name, open_decompressed_input
    from rm_local.text import NotUtf8Error, decode_utf8_text

    name = get_input_name(path)
    try:
        with open_decompressed_input(path) as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) <= _LARGEST:
            return decode_utf8_text(raw)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{name} cannot be read: {reason}.", "Name another file.") from None
    except NotUtf8Error as error:
        raise UsageError(f"{name} is not UTF-8 text: {error}.", "Name another file.") from None
    raise UsageError(f"{name} has more than {_LARGEST >> 10:,} KB.", "Name another file.")
