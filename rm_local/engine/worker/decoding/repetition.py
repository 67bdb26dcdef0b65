"""Detects a loop (endless repetition) in the text of a branch while it is generated.

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
"""Longest period of an exact loop that is detected, in tokens."""
COPIED = 192
"""Number of last tokens that make a loop if they equal those one period before.

It holds for periods of up to 64 tokens; longer periods need more."""
COPIED_SIGNS = 384
"""The number in place of `COPIED` for text without letters, such as a table of zeros."""
_MIN_COPIES = 3
"""Number of copied periods that make a loop of a period over 64 tokens.

One copied period and `COPIED` more tokens suffice."""
_RUN = 8
"""Length, in tokens, of the runs whose occurrences are counted to detect a loop of words."""
_BEFORE = 3
"""Number of earlier occurrences from which on a run of tokens is not new."""
_NEW = 2 * _RUN
"""Maximum number of new runs among the last `COPIED` in a loop of words: two tokens' runs."""
_DIGITS = 4
"""Maximum number of tokens in the number that begins an item of a numbered list."""
_LETTERS = 0.6
"""Minimum share of letters, among characters other than white space, in a loop of words."""


def _compute_loop_thresholds_by_period(signs: bool) -> NDArray[np.int32]:
    """Compute, for each period from 1 to PERIOD, how many copied tokens make an exact loop.

    The result is an array (PERIOD,). `signs`: True = for text without letters.
    """
    period = np.arange(1, PERIOD + 1)
    least = COPIED_SIGNS if signs else COPIED
    return np.maximum(least, np.minimum(_MIN_COPIES * period, period + COPIED)).astype(np.int32)


_NEEDED, _NEEDED_SIGNS = (
    _compute_loop_thresholds_by_period(False),
    _compute_loop_thresholds_by_period(True),
)


class RepetitionDetector:
    """Detects a loop in the text of one branch, which is added token by token."""

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
        """Number of runs in `_new` that are new."""
        self._number: list[tuple[int, str]] = []
        """Tokens of digits at the start of a line, held back: they may number an item of a list."""
        self._line_starts = True

    def add_token_and_detect_loop(self, token: int, text: str) -> bool:
        """Add the branch's next token and its text; return whether the text has got into a loop.

        A number at the start of a line is held until the next token shows whether it numbers a
        list item; such numbers are ignored.
        """
        place = self._line_starts or 0 < len(self._number) < _DIGITS
        if place and text.strip().isdecimal():
            self._number.append((token, text))
            self._line_starts = False
            return False
        held, self._number = self._number, []
        if text[:1] in (".", ")"):
            held = []
        found = [self._add_text_token_and_detect_loop(*each) for each in (*held, (token, text))]
        self._line_starts = text.endswith("\n") or (self._line_starts and not text.strip())
        return any(found)

    def _add_text_token_and_detect_loop(self, token: int, text: str) -> bool:
        """Add a token that is not the number of a list item; return whether it ends a loop."""
        self._texts.append(text)
        self._add_token_and_count_run(token)
        return self._add_token_and_detect_exact_loop(token) or self._is_word_loop()

    def _add_token_and_detect_exact_loop(self, token: int) -> bool:
        """Add a token to those compared; return whether the text ends in an exact loop."""
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
        return self._recent_text_has_letters() or bool((self._copied >= _NEEDED_SIGNS).any())

    def _add_token_and_count_run(self, token: int) -> None:
        """Count the occurrence of the run of eight tokens that ends with `token`."""
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
        """Return whether the text ends in a loop of words: almost no run of tokens in it is new."""
        if len(self._new) < COPIED or self._news > _NEW:
            return False
        text = "".join("".join(self._texts).split())
        return sum(map(str.isalpha, text)) >= _LETTERS * len(text)

    def _recent_text_has_letters(self) -> bool:
        """Return whether the last `COPIED` tokens contain a letter."""
        return any(map(str.isalpha, "".join(self._texts)))
