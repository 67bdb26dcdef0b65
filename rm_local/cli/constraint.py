"""The files that say what an answer has to look like."""

from __future__ import annotations

from pathlib import Path

import click

from rm_local.errors import UsageError

_LARGEST = 1 << 20
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
GRAMMAR = click.option(
    "--grammar", type=_FILE, metavar="FILE", help="The answer follows this GBNF grammar."
)
JSON_SCHEMA = click.option(
    "--json-schema", "schema", type=_FILE, metavar="FILE", help="The answer is JSON of this schema."
)


def gbnf(grammar: Path | None, schema: Path | None) -> str:
    """The grammar that one of the files asks for; empty without them.

    UsageError when there are two, or one that is not text, too large, or not right.
    """
    from rm_local.engine.grammar import check
    from rm_local.engine.schema import to_grammar

    if grammar and schema:
        raise UsageError("There are a grammar and a schema.", "Give one of them.")
    if schema:
        made = to_grammar(_text(schema))
        check(made)
        return made
    if grammar:
        text = _text(grammar)
        check(text)
        return text
    return ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) <= _LARGEST:
            return raw.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read: {reason}.", "Name another file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", "Name another file.") from None
    raise UsageError(f"{path} has more than {_LARGEST >> 10:,} KB.", "Name another file.")
