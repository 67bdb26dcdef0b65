"""Text from a model, a store or a file, made safe for a terminal."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # with a text
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two or three characters
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    r"""`text` without what could steer a terminal: all but `\n` and `\t` of C0 and C1 go.

    Escape sequences go whole; of one that is not closed only its control characters do, so that
    no text is lost. Bidirectional overrides and isolates go; half a surrogate pair becomes U+FFFD.
    """
    text = _SEQUENCE.sub("", text)
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str, limit: int = 0) -> str:
    """`clean(text)` with all white space as single blanks, cut at a word to `limit` characters."""
    line = " ".join(clean(text).split())
    if not limit or len(line) <= limit:
        return line
    head, blank, _ = line[: limit + 1].rpartition(" ")
    return head if blank and len(head) > limit // 2 else line[:limit]
