"""Grammars (GBNF) that an answer has to follow, and what of them llama.cpp must not be given.

Form: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md. llama.cpp's own parser
says what is wrong with most of them; checked here is what it crashes on, or never ends with.
"""

from __future__ import annotations

import re

from rm_local.errors import UsageError

LARGEST = 1 << 16
"""Characters; llama.cpp's time to read a list of words grows with the square of its length."""
DEEPEST = 100
"""Brackets within brackets; llama.cpp descends into each, and has crashed at 50,000."""
_PART = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | \[(?:\\.|[^\]\\])*\]
    | (?P<bracket>[()]) | \{\s*(?P<least>\d+)\s*,\s*(?P<most>\d+)\s*\}""",
    re.VERBOSE | re.DOTALL,
)


def check_grammar(grammar: str) -> None:
    """UsageError when the grammar is empty, or one that llama.cpp cannot be given."""
    if not grammar.strip():
        raise _wrong("is empty", "It needs a rule named `root`.")
    if len(grammar) > LARGEST:
        size = f"has {len(grammar):,} characters, of {LARGEST:,} at most"
        raise _wrong(size, "Make it smaller.")
    if "\0" in grammar:
        raise _wrong("holds a zero byte", "Write it as `\\x00`.")
    depth = 0
    for part in _PART.finditer(grammar):
        depth += {"(": 1, ")": -1}.get(part["bracket"] or "", 0)
        if depth > DEEPEST:
            raise _wrong(f"nests brackets deeper than {DEEPEST}", "Give the inner ones names.")
        if part["least"] and int(part["least"][:9]) > int(part["most"][:9]):
            raise _wrong(f"repeats something {part[0]} times", "Put the smaller number first.")


def _wrong(what: str, remedy: str) -> UsageError:
    return UsageError(f"The grammar {what}.", remedy)
