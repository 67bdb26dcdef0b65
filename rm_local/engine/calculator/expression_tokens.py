"""Splits an expression into tokens: numbers, strings, names and signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rm_local.engine.calculator.calculator_limits import NotEvaluableError

TokenKind = Literal["number", "string", "name", "sign", "end"]
_ASCII = str.maketrans(
    {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!="}
)
_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t]+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?(?![A-Za-z0-9_.]))
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>\*\*|//|==|!=|<=|>=|[-+*/%^()\[\],:.<>=])
    """,
    re.VERBOSE,
)
_STRING = re.compile(r"""('[^']*'|"[^"]*")""")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an expression; of a string, `text` is the content without quotes."""

    kind: TokenKind
    text: str


END = Token("end", "")
"""The token after the last one of an expression."""


def tokenize_expression(text: str) -> list[Token]:
    """Split an expression into tokens; the last one is `END`.

    Outside of strings, typographic signs (`×`, `÷`, `−`, `≤`) are read as their ASCII
    equivalents, and `^` as `**`.

    Raises:
        NotEvaluableError: A part of the text is not a token, such as a control character.
    """
    if not text.isprintable() and not text.replace("\t", "").isprintable():
        raise NotEvaluableError
    text = "".join(
        part if n % 2 else part.translate(_ASCII) for n, part in enumerate(_STRING.split(text))
    )
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise NotEvaluableError
        place = found.end()
        piece = found.group()
        match found.lastgroup:
            case "number":
                tokens.append(Token("number", piece))
            case "string":
                tokens.append(Token("string", _unescape_string(piece[1:-1])))
            case "name":
                tokens.append(Token("name", piece))
            case "sign":
                tokens.append(Token("sign", "**" if piece == "^" else piece))
    return [*tokens, END]


def _unescape_string(text: str) -> str:
    """Replace the escape sequences of a string's content by the characters that they stand for.

    Raises:
        NotEvaluableError: An escape sequence is not supported.
    """
    head, *rest = text.split("\\", 1)
    if not rest:
        return head
    sign, tail = rest[0][:1], rest[0][1:]
    if sign not in _ESCAPES:
        raise NotEvaluableError
    return head + _ESCAPES[sign] + _unescape_string(tail)
