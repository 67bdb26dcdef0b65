"""Reads Markdown pages: headings and their anchors, links, and the code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^\s*(```+|~~~+)")
_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^()<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Page:
    """One page, split into prose and code."""

    path: Path
    prose: str
    """The text without fenced and indented blocks."""
    blocks: tuple[str, ...]
    """Lines of fenced and indented blocks."""

    @property
    def spans(self) -> Iterator[str]:
        """Code in the prose; of a table, with `\\|` as a bar."""
        for match in _SPAN.finditer(self.prose):
            yield " ".join(match[2].split()).replace("\\|", "|")

    @property
    def links(self) -> Iterator[str]:
        """Targets of links and pictures."""
        for match in _LINK.finditer(_SPAN.sub("", self.prose)):
            yield match[1]

    @property
    def anchors(self) -> set[str]:
        """What `#...` may name: the headings, written as GitHub writes them."""
        found: set[str] = set()
        for match in _HEADING.finditer(self.prose):
            text = re.sub(r"[`*]|\]\([^)]*\)|\[", "", match[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            number = 0
            while f"{slug}-{number}" in found if number else slug in found:
                number += 1
            found.add(f"{slug}-{number}" if number else slug)
        return found


def read_page(path: Path) -> Page:
    """The page in the file `path`. Raises OSError."""
    prose: list[str] = []
    blocks: list[str] = []
    fence, previous = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            else:
                blocks.append(line)
        elif mark:
            fence = mark[1]
        elif line.startswith(_INDENT) and (not previous or previous.startswith(_INDENT)):
            # In a list an indented line continues the item; there no blank line precedes it.
            blocks.append(line)
        else:
            prose.append(line)
        previous = line
    return Page(path, "\n".join(prose), tuple(blocks))
