"""Chooses the number of threads for decoding by the durations of the previous steps.

The threads of a step wait for each other many times. If another program takes a core from a
thread, all wait until it gets the core back; fewer threads are then faster. The controller has no
clock: it receives the seconds of each step, and returns the number of threads for the next step.
"""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW = 5
"""Number of decoding steps in a window; the median durations of windows are compared."""
STRETCH = 2.0
"""Ratio of a window's median to the usual one above which fewer threads are tried."""
GAIN = 0.9
"""Ratio of medians, tried to current, below which another number of threads is chosen."""
DRIFT = 1.01
"""Maximum factor by which the usual median grows from step to step.

Steps get slower as the context grows, but only slowly; other programs slow them suddenly."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 32.0
"""Seconds of decoding before more threads are tried again; doubled after each failed trial."""


def list_thread_counts_to_try(most: int) -> tuple[int, ...]:
    """List the numbers of threads to choose from, largest first: quarters of `most`, and 1."""
    quarters = {most, most * 3 // 4, most // 2, most // 4, 1}
    return tuple(sorted((n for n in quarters if n), reverse=True))


class ThreadController:
    """Chooses the number of threads for each decoding step, separately by the size of the batch."""

    def __init__(self, most: int) -> None:
        """Start with `most` threads, the best number on an idle machine."""
        self._levels = list_thread_counts_to_try(most)
        self._by_size: dict[int, _ThreadControllerForBatchSize] = {}

    def choose_threads(self, rows: int) -> int:
        """Choose the number of threads for the next decoding step, a batch of `rows` rows."""
        return self._get_or_create_controller(rows).threads

    def record_step(self, rows: int, seconds: float) -> None:
        """Record the seconds that a step of `rows` rows took with the chosen number of threads."""
        self._get_or_create_controller(rows).record_step_and_update_search(seconds)

    def _get_or_create_controller(self, rows: int) -> _ThreadControllerForBatchSize:
        """Return the controller for batches of similar size: 1, 2, 3 to 4, 5 to 8 rows ..."""
        size = (rows - 1).bit_length()
        if size not in self._by_size:
            self._by_size[size] = _ThreadControllerForBatchSize(self._levels)
        return self._by_size[size]


class _ThreadControllerForBatchSize:
    """Chooses the number of threads for decoding steps with batches of similar size.

    A level is an index in the list of numbers of threads. A search tries other levels than the
    chosen one, and measures whether they are faster.
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        self._levels = levels
        self._chosen = 0
        """The chosen level; 0 = most threads."""
        self._recent: deque[float] = deque(maxlen=WINDOW)
        """Seconds of the last steps at the chosen level."""
        self._usual: float | None = None
        """Usual median seconds of a step at the chosen level; None before the first window."""
        self._since_trial = 0.0
        """Seconds of steps since the last search."""
        self._pause = FIRST_PAUSE
        self._trial: _ThreadCountSearch | None = None

    @property
    def threads(self) -> int:
        """Number of threads for the next step: of the level that is tried, or else chosen."""
        return self._levels[self._trial.level_index if self._trial else self._chosen]

    def record_step_and_update_search(self, seconds: float) -> None:
        """Record the duration of a step, and start or end a search if it is time to."""
        if self._trial:
            self._trial.record_step_and_advance(seconds)
            if self._trial.is_done:
                self._end_search_and_adopt_fastest(self._trial)
            return
        self._recent.append(seconds)
        self._since_trial += seconds
        if len(self._recent) == WINDOW:
            self._start_search_if_due(median(self._recent))

    def _start_search_if_due(self, current: float) -> None:
        """Start a search if one is due, and update the usual median.

        For fewer threads at the first window or if steps are slower than usual; else for more
        threads, if a pause has passed since the last search. `current`: the median seconds of the
        last window.
        """
        first = self._usual is None
        usual = current if self._usual is None else self._usual
        fewer = list(range(self._chosen + 1, len(self._levels)))
        self._usual = min(current, usual * DRIFT)
        if fewer and (first or current > STRETCH * usual):
            self._trial = _ThreadCountSearch(fewer, current)
        elif self._chosen and self._since_trial >= self._pause:
            self._trial = _ThreadCountSearch([self._chosen - 1], current)

    def _end_search_and_adopt_fastest(self, trial: _ThreadCountSearch) -> None:
        """Choose the fastest level of a finished search; keep the old one if none was faster."""
        self._trial = None
        self._recent.clear()
        self._since_trial = 0.0
        if trial.fastest is not None:
            self._chosen, self._usual = trial.fastest, trial.least
            self._pause = FIRST_PAUSE
        else:
            self._usual = trial.current
            self._pause = min(2 * self._pause, LONGEST_PAUSE)


class _ThreadCountSearch:
    """A search for a faster number of threads: one window of steps at each level to try."""

    def __init__(self, levels: list[int], current: float) -> None:
        """Start to try `levels` in order; `current`: median seconds of a step at the old level."""
        self._levels = deque(levels)
        self._steps: list[float] = []
        self.current = current
        self.least = GAIN * current
        self.fastest: int | None = None
        """The fastest level so far; None while no level was faster than the old one."""

    @property
    def level_index(self) -> int:
        """Index of the level that is tried now."""
        return self._levels[0]

    @property
    def is_done(self) -> bool:
        """Whether no level is left to try."""
        return not self._levels

    def record_step_and_advance(self, seconds: float) -> None:
        """Record the duration of a step at the tried level; after a window, go to the next level.

        A level that is much slower ends the search.
        """
        self._steps.append(seconds)
        slow = sum(self._steps) > STRETCH * WINDOW * self.current
        if len(self._steps) < WINDOW and not slow:
            return
        found = median(self._steps)
        if found < self.least and not slow:
            self.least, self.fastest = found, self.level_index
        self._levels.popleft()
        self._steps.clear()
        if slow or found > STRETCH * self.least:
            self._levels.clear()
