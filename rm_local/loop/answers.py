"""The final answer in a text, and when two of them are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_LINE = re.compile(
    r"^[ \t>*_#-]*(?:the[ \t]+)?(?:final[ \t]+)?answer[ \t*_]*[:=][ \t*_]*\n?(?P<answer>[^\n]+)$",
    re.IGNORECASE | re.MULTILINE,
)
_PHRASE = re.compile(
    r"\b(?:the|my)[ ](?:final[ ]|correct[ ])?(?:answer|result|option|choice)[ ]is\b:?[ ]*"
    r"(?P<answer>[^\n]+?)(?=[.;!](?:\s|$)|\n|$)",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"^[ \t*_]*\((?P<answer>[A-J])\)[^\n]*$", re.MULTILINE)
_NUMBER = re.compile(r"\s*(?P<answer>[-+−]?\$?\d[\d.,/]*\s?%?)\s*")
_BOXES = ("\\boxed{", "\\fbox{")


def final_answer(text: str, *, cut: bool = False) -> str | None:
    """The answer that `text` comes to, or None.

    In this order: the last `\\boxed{...}`, the last `Answer: ...` line, the last "the answer is
    ...", a last line that begins with a choice such as `(B)`, a text that is only a number.
    With `cut` the text breaks off, so nothing is taken from its last, unfinished line but a box
    that is closed.
    """
    if (box := _last_box(text)) is not None:
        return _bare(box) or None
    if cut:
        text = text.rpartition("\n")[0]
    for pattern in (_LINE, _PHRASE):
        found = [_bare(match["answer"]) for match in pattern.finditer(text)]
        if any(found):
            return [answer for answer in found if answer][-1]
    if match := _CHOICE.match(text.rstrip().rpartition("\n")[2]):
        return match["answer"]
    if match := _NUMBER.fullmatch(text.rstrip().rstrip(".")):
        return match["answer"].strip()
    return None


@lru_cache(maxsize=4096)
def same_key(answer: str) -> str:
    """What answers that count as one in the vote have in common.

    Case, blanks (between two words, or two numbers, one stays), a final point, `$`, LaTeX spacing
    and fractions, thousands separators, a plus sign and zeros behind the point do not matter:
    `$1,234.0$` is `1234`. The name in front of a lone `=` does not either: `x = 5` is `5`. Units
    do: `5 cm` is neither `5` nor `5 m`. Nothing is computed: `1/2`, `2/4` and `0.5` stay apart
    here; `EqualAnswers` compares values where it can.
    """
    key = _latex(answer.strip()).lower().replace("−", "-").replace("$", "")
    key = " ".join(key.split()).rstrip(". ")
    key = re.sub(r"^\(([a-z])\)$", r"\1", key)
    key = re.sub(r"^[a-z](?:_\w+)?\s*=\s*(?=[^=]+$)", "", key)
    if not key.startswith(("(", "[", "{")):
        key = re.sub(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", _without_commas, key)
    key = re.sub(r"(?<![\w.])(?:\d*\.\d+)(?![\d.])", _plain, key)
    key = re.sub(r"(?:^|(?<=[(\[,=]))\s*\+\s*(?=[\d.])", "", key)
    key = re.sub(r"(?<=\W) | (?=\W)|(?<=\d) (?=[a-z])|(?<=[a-z]) (?=\d)", "", key)
    return "0" if key == "-0" else key


def same_text(text: str) -> str:
    """What texts without an answer have in common when they say the same."""
    return " ".join(text.lower().split())


def _last_box(text: str) -> str | None:
    """What the last closed box holds, braces inside it balanced."""
    starts = sorted(
        (m.end() for b in _BOXES for m in re.finditer(re.escape(b), text)), reverse=True
    )
    return next((inner for start in starts if (inner := _braced(text, start)) is not None), None)


def _braced(text: str, start: int) -> str | None:
    """From `start` up to the brace that closes the one before it; None if it stays open."""
    depth = 1
    for position in range(start, len(text)):
        if text[position - 1] == "\\":
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return None


def _bare(answer: str) -> str:
    """Without the marks around it: emphasis, formula signs, a final point."""
    before = None
    while answer != before:
        before = answer
        answer = answer.strip().strip("*`").strip()
        if not answer.endswith(("..", "etc.")):
            answer = answer.removesuffix(".").rstrip()
        answer = next(_inside(answer), answer)
    return answer


def _inside(answer: str) -> Iterator[str]:
    """What stands between a pair of marks that encloses all of `answer`."""
    for opener, closer in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        inner = answer[len(opener) : -len(closer)]
        if answer == f"{opener}{inner}{closer}" and opener not in inner:
            yield inner
    if answer.startswith("\\text{") and _braced(answer, 6) == answer[6:-1]:
        yield answer[6:-1]


def _latex(answer: str) -> str:
    """Fractions as `a/b`, texts and units plain, without spacing."""
    answer = re.sub(r"(?<=\d)(?:\\,|\{,\})(?=\d{3})", ",", answer)
    answer = re.sub(r"\\[dt]frac", r"\\frac", answer)
    answer = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", answer)
    answer = re.sub(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}", r" \1", answer)
    answer = re.sub(r"\\(?:left|right)(?![a-z])|\\[!,;:]", " ", answer)
    return answer.replace("\\%", "%").replace("\\$", "")


def _without_commas(match: re.Match[str]) -> str:
    return match.group().replace(",", "")


def _plain(match: re.Match[str]) -> str:
    whole, _, part = match.group().partition(".")
    part = part.rstrip("0")
    return f"{whole or '0'}.{part}" if part else whole or "0"
