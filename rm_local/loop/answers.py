"""Extracts the final answer from a model's text, and normalizes answers to compare them."""

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


def extract_answer(text: str, *, cut: bool = False) -> str | None:
    """Extract the final answer of `text`; None if it has none.

    These are tried in order: the last `\\boxed{...}`, the last `Answer: ...` line, the last "the
    answer is ...", a last line that begins with a choice such as `(B)`, a text that is only a
    number. `cut`: the text is incomplete, so its last line is ignored, except for a closed box.
    """
    if (box := _find_last_box(text)) is not None:
        return _strip_marks_around_answer(box) or None
    if cut:
        text = text.rpartition("\n")[0]
    for pattern in (_LINE, _PHRASE):
        found = [_strip_marks_around_answer(match["answer"]) for match in pattern.finditer(text)]
        if any(found):
            return [answer for answer in found if answer][-1]
    if match := _CHOICE.match(text.rstrip().rpartition("\n")[2]):
        return match["answer"]
    if match := _NUMBER.fullmatch(text.rstrip().rstrip(".")):
        return match["answer"].strip()
    return None


@lru_cache(maxsize=4096)
def normalize_answer(answer: str) -> str:
    """Return the normal form of an answer; answers with equal forms are one answer in the vote.

    Case, blanks (between two words, or two numbers, one stays), a final point, `$`, LaTeX spacing
    and fractions, thousands separators, a plus sign and zeros after the point do not matter:
    `$1,234.0$` is `1234`. The name in front of a lone `=` does not either: `x = 5` is `5`. Units
    do: `5 cm` is neither `5` nor `5 m`. Nothing is computed: `1/2`, `2/4` and `0.5` stay different
    here; `AnswerGroups` compares values where it can.
    """
    key = _simplify_latex(answer.strip()).lower().replace("−", "-").replace("$", "")
    key = " ".join(key.split()).rstrip(". ")
    key = re.sub(r"^\(([a-z])\)$", r"\1", key)
    key = re.sub(r"^[a-z](?:_\w+)?\s*=\s*(?=[^=]+$)", "", key)
    if not key.startswith(("(", "[", "{")):
        key = re.sub(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", _remove_commas, key)
    key = re.sub(r"(?<![\w.])(?:\d*\.\d+)(?![\d.])", _trim_trailing_zeros, key)
    key = re.sub(r"(?:^|(?<=[(\[,=]))\s*\+\s*(?=[\d.])", "", key)
    key = re.sub(r"(?<=\W) | (?=\W)|(?<=\d) (?=[a-z])|(?<=[a-z]) (?=\d)", "", key)
    return "0" if key == "-0" else key


def lowercase_and_collapse_blanks(text: str) -> str:
    """Return `text` in lower case with single blanks, to find texts that are equal otherwise."""
    return " ".join(text.lower().split())


def _find_last_box(text: str) -> str | None:
    r"""Return the content of the last closed `\boxed{...}` in `text`; None if it has none."""
    starts = sorted(
        (m.end() for b in _BOXES for m in re.finditer(re.escape(b), text)), reverse=True
    )
    return next(
        (
            inner
            for start in starts
            if (inner := _extract_to_closing_brace(text, start)) is not None
        ),
        None,
    )


def _extract_to_closing_brace(text: str, start: int) -> str | None:
    """Return the text from `start`, just after a brace, to its closing brace; None if unclosed."""
    depth = 1
    for position in range(start, len(text)):
        if text[position - 1] == "\\":
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return None


def _strip_marks_around_answer(answer: str) -> str:
    """Remove the marks that surround an answer: emphasis, formula delimiters, a final point."""
    before = None
    while answer != before:
        before = answer
        answer = answer.strip().strip("*`").strip()
        if not answer.endswith(("..", "etc.")):
            answer = answer.removesuffix(".").rstrip()
        answer = next(_yield_text_inside_delimiters(answer), answer)
    return answer


def _yield_text_inside_delimiters(answer: str) -> Iterator[str]:
    """Yield the text inside each kind of formula delimiters that encloses the whole answer."""
    for opener, closer in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        inner = answer[len(opener) : -len(closer)]
        if answer == f"{opener}{inner}{closer}" and opener not in inner:
            yield inner
    if answer.startswith("\\text{") and _extract_to_closing_brace(answer, 6) == answer[6:-1]:
        yield answer[6:-1]


def _simplify_latex(answer: str) -> str:
    """Replace LaTeX by plain text: fractions by `a/b`, `\\text{cm}` by `cm`, spacing by a blank."""
    answer = re.sub(r"(?<=\d)(?:\\,|\{,\})(?=\d{3})", ",", answer)
    answer = re.sub(r"\\[dt]frac", r"\\frac", answer)
    answer = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", answer)
    answer = re.sub(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}", r" \1", answer)
    answer = re.sub(r"\\(?:left|right)(?![a-z])|\\[!,;:]", " ", answer)
    return answer.replace("\\%", "%").replace("\\$", "")


def _remove_commas(match: re.Match[str]) -> str:
    """Return the matched number without its thousands separators."""
    return match.group().replace(",", "")


def _trim_trailing_zeros(match: re.Match[str]) -> str:
    """Return the matched decimal number without final zeros: `.50` becomes `0.5`."""
    whole, _, part = match.group().partition(".")
    part = part.rstrip("0")
    return f"{whole or '0'}.{part}" if part else whole or "0"
