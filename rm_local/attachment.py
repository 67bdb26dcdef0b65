"""Adds a text to a question as an attachment with clear bounds, and takes both apart again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rm_local.units import format_count

_HEADING = "Attached text:"
_ATTACHMENT = re.compile(rf"\n\n{_HEADING}\n(`{{3,}})\n(.*)\n\1\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class QuestionWithAttachment:
    """The parts of a question as the model reads it."""

    question: str
    """What the user asked."""
    attachment: str = ""
    """The attached text; empty without an attachment."""

    @property
    def summary(self) -> str:
        """The question, and the size of the attachment in words, as text for one line."""
        if not self.attachment:
            return self.question
        return f"{self.question} [attached: {describe_line_and_character_count(self.attachment)}]"


def attach_text(question: str, text: str) -> str:
    """Return the question followed by `text` between two fences, which the text cannot close."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{question}\n\n{_HEADING}\n{fence}\n{text}\n{fence}"


def split_attachment(question: str) -> QuestionWithAttachment:
    """Take a text of `attach_text` apart; any other text is a question without an attachment."""
    found = _ATTACHMENT.search(question)
    if found is None:
        return QuestionWithAttachment(question)
    return QuestionWithAttachment(question[: found.start()], found.group(2))


def describe_line_and_character_count(text: str) -> str:
    """Describe the size of a text in words: its lines and characters."""
    lines = len(text.splitlines())
    return f"{format_count(lines, 'line')}, {format_count(len(text), 'character')}"
