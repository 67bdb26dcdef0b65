"""Detects that a branch repeats itself, while it is generated.

Much good text repeats itself: tables, counting, similar lines of code, a refrain, a proof that
goes through its cases in the same words. Such text has something new every few tokens. So only
two kinds of text count as a loop:

- an exact loop: the last tokens are the same as those one period before, for many tokens;
- a loop of words in changing order: nearly all runs of eight tokens were written three times.

The numbers of a numbered list are ignored, so that the same item over and over is a loop.
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

PERIOD = 512
"""Tokens of the longest period that is detected."""
COPIED = 192
"""Tokens that must equal those of one period before, for periods of up to 64."""
COPIED_SIGNS = 384
"""The same for text without letters, such as a table of zeros."""
_MIN_COPIES = 3
"""Copies after the first that longer periods need, at most `COPIED` tokens after one period."""
_RUN = 8
"""Tokens in each counted run."""
_BEFORE = 3
"""Times that a run must have been written before."""
_NEW = 2 * _RUN
"""New runs allowed among the last `COPIED`: two new tokens cause that many."""
_DIGITS = 4
"""Tokens of the longest number before an item of a list."""
_LETTERS = 0.6
"""Share of letters, among characters other than white space, from which a text counts as words."""


def _compute_needed_copies(signs: bool) -> NDArray[np.int32]:
    """Return the copied tokens that make a loop, shape (PERIOD,), for the periods 1 to PERIOD."""
    period = np.arange(1, PERIOD + 1)
    least = COPIED_SIGNS if signs else COPIED
    return np.maximum(least, np.minimum(_MIN_COPIES * period, period + COPIED)).astype(np.int32)


_NEEDED, _NEEDED_SIGNS = _compute_needed_copies(False), _compute_needed_copies(True)


class RepetitionDetector:
    """Follows one branch, token by token."""

    def __init__(self) -> None:
        self._tokens = np.full(2 * PERIOD, -1, np.int64)
        """The last tokens, up to `_end`; they are moved to the front when the array is full."""
        self._end = PERIOD
        self._copied = np.zeros(PERIOD, np.int32)
        """For each period, how many of the last tokens equal those of one period before."""
        self._texts: deque[str] = deque(maxlen=COPIED)
        self._last_run: deque[int] = deque(maxlen=_RUN)
        self._runs: Counter[tuple[int, ...]] = Counter()
        self._new: deque[bool] = deque(maxlen=COPIED)
        """Whether each of the last runs was written less than `_BEFORE` times before."""
        self._news = 0
        self._number: list[tuple[int, str]] = []
        """Digits at the start of a line, held back until clear whether they number an item."""
        self._line_starts = True

    def add_token(self, token: int, text: str) -> bool:
        """Add the next token and its text; return whether the branch is in a loop."""
        place = self._line_starts or 0 < len(self._number) < _DIGITS
        if place and text.strip().isdecimal():
            self._number.append((token, text))
            self._line_starts = False
            return False
        held, self._number = self._number, []
        if text[:1] in (".", ")"):
            held = []
        found = [self._count_token(*each) for each in (*held, (token, text))]
        self._line_starts = text.endswith("\n") or (self._line_starts and not text.strip())
        return any(found)

    def _count_token(self, token: int, text: str) -> bool:
        self._texts.append(text)
        self._count_run(token)
        return self._is_exact_loop(token) or self._is_word_loop()

    def _is_exact_loop(self, token: int) -> bool:
        """Whether the text is an exact loop of some period."""
        if self._end == len(self._tokens):
            self._tokens[:PERIOD] = self._tokens[PERIOD:]
            self._end = PERIOD
        before = self._tokens[self._end - PERIOD : self._end][::-1]
        self._copied += 1
        self._copied *= before == token
        self._tokens[self._end] = token
        self._end += 1
        if self._copied.max() < COPIED or not (self._copied >= _NEEDED).any():
            return False
        return self._has_letters() or bool((self._copied >= _NEEDED_SIGNS).any())

    def _count_run(self, token: int) -> None:
        """Count the run that ends with this token."""
        self._last_run.append(token)
        if len(self._last_run) < _RUN:
            return
        run = tuple(self._last_run)
        if len(self._new) == COPIED:
            self._news -= self._new[0]
        self._new.append(self._runs[run] < _BEFORE)
        self._news += self._new[-1]
        self._runs[run] += 1

    def _is_word_loop(self) -> bool:
        """Whether hardly any of the last runs of words is new."""
        if len(self._new) < COPIED or self._news > _NEW:
            return False
        text = "".join("".join(self._texts).split())
        return sum(map(str.isalpha, text)) >= _LETTERS * len(text)

    def _has_letters(self) -> bool:
        return any(map(str.isalpha, "".join(self._texts)))
