"""Extracts the subproblem from a model's text: its first sentence, as one clean line.

The paper does the same with NLTK's sentence splitter (arXiv 2604.01348).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rm_local.text import one_line, sanitize_for_terminal

MAX_SUBPROBLEM_CHARS = 400
"""Maximum number of characters of a subproblem, or of a question that replaces it."""

_END = re.compile(r"[.!…]+|[?？。！]")
_FINAL_MARKS = "?？。！"
_CLOSERS = "\"'”’»)]}*_`"
_OPENERS = "\"'“‘«([*_`"
_MARKER = re.compile(r"^(?:[>#*_\-•\s]+|\d{1,2}[.)]\s+)+")
_QUOTES = {'"': '"', "“": "”", "«": "»", "'": "'", "‘": "’"}
_ABBREVIATIONS = {
    *("e.g", "i.e", "cf", "vs", "viz", "dr", "mr", "mrs", "ms", "prof", "st", "al", "ca"),
    *("approx", "resp"),
}
_NEAR_CHARS = 80
"""Number of characters before and after a punctuation mark that are examined to decide whether it
ends a sentence."""
_NUMBERED = {"no", "nos", "p", "pp", "ch", "sec", "fig", "eq", "vol"}
"""Words that are abbreviations only if a number follows."""


def extract_first_sentence(text: str, *, final: bool = False) -> str | None:
    """Extract the first sentence of a text that is being written; None while it is incomplete.

    A line break also ends a sentence. `final`: the text is complete, so without an end mark the
    first line is the sentence; None means an empty text.
    """
    text = text.lstrip()
    line, broken, _ = text.partition("\n")
    for match in _END.finditer(line):
        if _ends_sentence(line, match, known=final or bool(broken)):
            return line[: match.end()]
    return line.rstrip() if line and (broken or final) else None


def find_sentence_ends(text: str) -> Iterator[int]:
    """Yield the position after each complete sentence of `text`, ascending.

    A line break also ends a sentence; text after the last end mark of an unfinished line does not
    count.
    """
    start = 0
    for line in text.splitlines(keepends=True):
        words = line.rstrip()
        last = 0
        for match in _END.finditer(words):
            # Only the neighbourhood is examined: a line may have a million characters.
            near = max(0, match.start() - _NEAR_CHARS)
            window = words[near : match.end() + _NEAR_CHARS]
            found = _END.match(window, match.start() - near)
            if found and _ends_sentence(window, found, known=True):
                last = match.end()
                while words[last : last + 1] and words[last] in _CLOSERS:
                    last += 1
                yield start + last
        if words and last < len(words) and len(line) > len(words):
            yield start + len(words)
        start += len(line)


def _ends_sentence(line: str, match: re.Match[str], *, known: bool) -> bool:
    """Return whether the matched mark ends a sentence.

    `known`: the line is complete, so a mark at its end does.
    """
    before, mark, after = line[: match.start()], match.group(), line[match.end() :]
    if mark in _FINAL_MARKS:
        return True
    rest = after.lstrip(_CLOSERS)
    if not rest:
        return known
    following = rest.lstrip()
    if not rest[0].isspace() or not following:
        return False
    if not _MARKER.sub("", f"{before}. "):
        return False  # the number of a list item
    if mark == ".":
        return not _ends_in_abbreviation(before, following) and not _continues_sentence(following)
    if mark == "!" and before[-1:].isalpha() and not before[-2:-1].isalpha():
        return following[0].isupper()  # a factorial
    return following[0].isupper() or following[0] in _OPENERS


def _ends_in_abbreviation(before: str, following: str) -> bool:
    """Return whether the text before a point ends in an abbreviation, such as `e.g` or `fig`."""
    word = before.rsplit(maxsplit=1)[-1].lstrip(_OPENERS).lower() if before.split() else ""
    return word in _ABBREVIATIONS or (word in _NUMBERED and following[0].isdigit())


def _continues_sentence(following: str) -> bool:
    """Return whether the text after a point continues its sentence, as a small letter does."""
    return following[0].islower() or not (following[0].isalnum() or following[0] in _OPENERS)


def extract_subproblem(text: str, *, final: bool = False) -> str | None:
    """Extract the first sentence of a model's text as one line without list marks and emphasis.

    None while the sentence is incomplete, or if it has no letter or digit. `final`: the text is
    complete.
    """
    sentence = extract_first_sentence(sanitize_for_terminal(text), final=final)
    if sentence is None:
        return None
    line = _strip_markup(one_line(sentence, MAX_SUBPROBLEM_CHARS))
    return line if any(character.isalnum() for character in line) else None


def _strip_markup(line: str) -> str:
    """Remove leading list marks, bold and code marks, and quotes around the whole line."""
    line = _MARKER.sub("", line).replace("**", "").replace("`", "").strip()
    closer = _QUOTES.get(line[:1])
    if closer is None:
        return line
    inner = line[1:].rstrip("., ") if line.rstrip("., ").endswith(closer) else line[1:]
    if inner.endswith(closer):
        return inner[: -len(closer)].strip()
    return line if closer in inner else inner.strip()
