"""Makes text safe for a terminal: removes control sequences that a model or file may contain."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # with text
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two or three characters
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def sanitize_text(text: str) -> str:
    r"""Remove escape sequences and control characters (C0 and C1, except `\n` and `\t`).

    An unclosed sequence loses only its control characters, so that no text is lost. Bidirectional
    overrides and isolates are removed, too; half a surrogate pair becomes U+FFFD.
    """
    text = _SEQUENCE.sub("", text)
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str, limit: int = 0) -> str:
    """Return `text` as one line: without control characters, with single blanks as white space.

    `limit` is the maximum number of characters, 0 = no limit; a longer text is cut, if possible at
    the end of a word.
    """
    line = " ".join(sanitize_text(text).split())
    if not limit or len(line) <= limit:
        return line
    head, blank, _ = line[: limit + 1].rpartition(" ")
    return head if blank and len(head) > limit // 2 else line[:limit]
