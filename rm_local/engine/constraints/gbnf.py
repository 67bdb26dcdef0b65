"""Checks grammars (GBNF) before llama.cpp reads them.

Syntax: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md. llama.cpp's own parser
reports most errors; the checks here reject grammars on which it crashes or never ends.
"""

from __future__ import annotations

import re

from rm_local.errors import UsageError

MAX_CHARACTERS = 1 << 16
"""Maximum number of characters of a grammar; llama.cpp's time to read it grows quadratically."""
MAX_DEPTH = 100
"""Maximum nesting of brackets in a grammar; llama.cpp's parser is recursive, and can crash."""
_PART = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | \[(?:\\.|[^\]\\])*\]
    | (?P<bracket>[()]) | \{\s*(?P<least>\d+)\s*,\s*(?P<most>\d+)\s*\}""",
    re.VERBOSE | re.DOTALL,
)


def check_grammar_is_safe(grammar: str) -> None:
    """Check that llama.cpp's parser can read a GBNF grammar without crashing or hanging.

    Raises:
        UsageError: The grammar is empty, too large or nested too deep, or would crash llama.cpp.
    """
    if not grammar.strip():
        raise _make_grammar_error("is empty", "Write at least a rule named `root`.")
    if len(grammar) > MAX_CHARACTERS:
        size = f"has {len(grammar):,} characters, more than {MAX_CHARACTERS:,}"
        raise _make_grammar_error(size, "Make it smaller.")
    if "\0" in grammar:
        raise _make_grammar_error("contains a zero byte", "Write it as `\\x00`.")
    depth = 0
    for part in _PART.finditer(grammar):
        depth += {"(": 1, ")": -1}.get(part["bracket"] or "", 0)
        if depth > MAX_DEPTH:
            raise _make_grammar_error(
                f"nests brackets deeper than {MAX_DEPTH}", "Give the inner ones names."
            )
        if part["least"] and int(part["least"][:9]) > int(part["most"][:9]):
            raise _make_grammar_error(
                f"repeats something {part[0]} times", "Put the smaller number first."
            )


def _make_grammar_error(what: str, remedy: str) -> UsageError:
    return UsageError(f"The grammar {what}.", remedy)
