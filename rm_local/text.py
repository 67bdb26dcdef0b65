"""Decodes files that users write, and removes what is not safe on a terminal from texts."""

from __future__ import annotations

import codecs
import re

from rm_local.file_formats import FORMAT_BYTES, describe_foreign_format_or_empty

_OTHER_BOMS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),  # first: it begins like UTF-16
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # with text
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two or three characters
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotUtf8Error(ValueError):
    """A text is not UTF-8; the message says what it is instead, or where the first fault is."""


def decode_utf8_text(data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark.

    Raises:
        NotUtf8Error: The bytes are not UTF-8.
    """
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        fault = f"byte {error.start + 1} is not UTF-8"
        raise NotUtf8Error(describe_other_format_or_empty(data) or fault) from None


def describe_other_format_or_empty(data: bytes) -> str:
    """Describe the encoding or the format of `data`, if its first bytes name another than UTF-8.

    It is a clause such as `it is UTF-16; save it as UTF-8`; empty for any other data.
    """
    for name, marks in _OTHER_BOMS.items():
        if data.startswith(marks):
            return f"it is {name}; save it as UTF-8"
    other = describe_foreign_format_or_empty(data[:FORMAT_BYTES])
    return f"it is {other}" if other else ""


def replace_lone_surrogates(text: str) -> str:
    """Replace surrogates, as which Python keeps bytes that are not UTF-8, by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def sanitize_for_terminal(text: str) -> str:
    r"""Remove escape sequences and control characters (C0 and C1, except `\n` and `\t`).

    An unclosed sequence loses only its control characters, so that no text is lost. Bidirectional
    overrides and isolates are removed, too; half a surrogate pair becomes U+FFFD.
    """
    text = _SEQUENCE.sub("", text)
    return replace_lone_surrogates(_CONTROL.sub("", text))


def one_line(text: str, limit: int = 0) -> str:
    """Return `text` as one line: without control characters, with single blanks as white space.

    `limit` is the maximum number of characters, 0 = no limit; a longer text is cut, if possible at
    the end of a word.
    """
    line = " ".join(sanitize_for_terminal(text).split())
    if not limit or len(line) <= limit:
        return line
    head, blank, _ = line[: limit + 1].rpartition(" ")
    return head if blank and len(head) > limit // 2 else line[:limit]
