"""Reads Markdown pages: headings and their anchors, links, and the code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^\s*(```+|~~~+)\s*(\w*)")
_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^()<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Code:
    """A line of a block, or a code span, with the number of its (first) line in the page."""

    text: str
    number: int
    language: str = ""
    """What stands after the fence of the block: `sh`, `toml`; nothing for an indented block."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page, split into prose and code."""

    path: Path
    prose: str
    """The text without fenced and indented blocks."""
    prose_numbers: tuple[int, ...]
    """The number in the page of each line of the prose."""
    block_lines: tuple[Code, ...]
    """Lines of fenced and indented blocks."""

    @property
    def blocks(self) -> tuple[str, ...]:
        """The texts of `block_lines`."""
        return tuple(line.text for line in self.block_lines)

    @property
    def code_spans(self) -> Iterator[Code]:
        """Code in the prose; of a table, with `\\|` as a bar."""
        for match in _SPAN.finditer(self.prose):
            number = self.prose_numbers[self.prose.count("\n", 0, match.start())]
            yield Code(" ".join(match[2].split()).replace("\\|", "|"), number)

    @property
    def spans(self) -> Iterator[str]:
        """The texts of `code_spans`."""
        return (span.text for span in self.code_spans)

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
    numbers: list[int] = []
    blocks: list[Code] = []
    fence, language, previous = "", "", ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            else:
                blocks.append(Code(line, number, language))
        elif mark:
            fence, language = mark[1], mark[2]
        elif line.startswith(_INDENT) and (not previous or previous.startswith(_INDENT)):
            # In a list an indented line continues the item; there no blank line precedes it.
            blocks.append(Code(line, number))
        else:
            prose.append(line)
            numbers.append(number)
        previous = line
    return Page(path, "\n".join(prose), tuple(numbers), tuple(blocks))
