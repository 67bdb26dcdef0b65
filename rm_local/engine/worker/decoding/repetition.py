"""Detects loops in the text of a branch while it is generated.

Good text can have repetitions, too: tables, counting, similar lines of code, a refrain, a proof
with similar cases. Such text has something new every few tokens. Only two kinds of text are
treated as a loop:

- an exact loop: the last tokens are the same as those one period before, for many tokens;
- a loop of words in changing order: nearly all runs of eight tokens were written three times.

The numbers of a numbered list are ignored, so that a list of equal items is a loop.
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

PERIOD = 512
"""Longest period of an exact loop to detect, in tokens."""
COPIED = 192
"""Number of last tokens that must equal those one period before, for periods of up to 64."""
COPIED_SIGNS = 384
"""The number `COPIED` for text without letters, such as a table of zeros."""
_MIN_COPIES = 3
"""Copied periods that make a loop of a longer period; at most one and `COPIED` tokens."""
_RUN = 8
"""Length in tokens of the runs that are counted."""
_BEFORE = 3
"""Number of earlier occurrences from which a run is not new."""
_NEW = 2 * _RUN
"""Number of new runs allowed among the last `COPIED`: those that two new tokens cause."""
_DIGITS = 4
"""Maximum number of tokens in the number of a list item."""
_LETTERS = 0.6
"""Minimum share of letters among the characters (without white space) of a text in words."""


def _compute_needed_copies(signs: bool) -> NDArray[np.int32]:
    """Compute the number of copied tokens that make a loop for the periods 1 to PERIOD.

    The result is an array (PERIOD,). `signs`: whether the text has no letters.
    """
    period = np.arange(1, PERIOD + 1)
    least = COPIED_SIGNS if signs else COPIED
    return np.maximum(least, np.minimum(_MIN_COPIES * period, period + COPIED)).astype(np.int32)


_NEEDED, _NEEDED_SIGNS = _compute_needed_copies(False), _compute_needed_copies(True)


class RepetitionDetector:
    """Detects a loop in the text of one branch; it is added token by token."""

    def __init__(self) -> None:
        self._tokens = np.full(2 * PERIOD, -1, np.int64)
        """The last tokens, up to `_end`. When the array is full, they are moved to its start."""
        self._end = PERIOD
        self._copied = np.zeros(PERIOD, np.int32)
        """For each period, the number of last tokens that equal those one period before."""
        self._texts: deque[str] = deque(maxlen=COPIED)
        self._last_run: deque[int] = deque(maxlen=_RUN)
        self._runs: Counter[tuple[int, ...]] = Counter()
        self._new: deque[bool] = deque(maxlen=COPIED)
        """For each of the last runs, whether it is new: it occurred less than `_BEFORE` times."""
        self._news = 0
        self._number: list[tuple[int, str]] = []
        """Digits at the start of a line; they may be the number of a list item."""
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
        found = [self._process_token(*each) for each in (*held, (token, text))]
        self._line_starts = text.endswith("\n") or (self._line_starts and not text.strip())
        return any(found)

    def _process_token(self, token: int, text: str) -> bool:
        self._texts.append(text)
        self._count_run(token)
        return self._update_exact_loop(token) or self._is_word_loop()

    def _update_exact_loop(self, token: int) -> bool:
        """Return whether the text ends in an exact loop of any period."""
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
        """Count the run of tokens that ends with `token`."""
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
        """Return whether the text ends in a loop of words: almost no run is new."""
        if len(self._new) < COPIED or self._news > _NEW:
            return False
        text = "".join("".join(self._texts).split())
        return sum(map(str.isalpha, text)) >= _LETTERS * len(text)

    def _has_letters(self) -> bool:
        return any(map(str.isalpha, "".join(self._texts)))
