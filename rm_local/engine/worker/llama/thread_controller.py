"""Chooses the number of threads by the durations of the model's decoding steps.

The threads of a step wait for each other many times. If another program takes a core from a
thread, all wait until it gets the core back; fewer threads are then faster. The controller has no
clock: it receives the seconds of each step, and returns the number of threads for the next step.
"""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW = 5
"""Number of steps in a window; the medians of windows are compared."""
STRETCH = 2.0
"""Ratio of a median to the usual one that starts a search for a faster number of threads."""
GAIN = 0.9
"""Ratio of medians, new to current, below which a number of threads is chosen."""
DRIFT = 1.01
"""Growth of the usual median per window: steps get slower as the context grows, but only slowly;
a sudden change is caused by other programs."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 32.0
"""Seconds of steps before more threads are tried again; doubled after each failed trial."""


def list_thread_levels(most: int) -> tuple[int, ...]:
    """List the numbers of threads to choose from, largest first: the quarters of `most`, and 1."""
    quarters = {most, most * 3 // 4, most // 2, most // 4, 1}
    return tuple(sorted((n for n in quarters if n), reverse=True))


class ThreadController:
    """Chooses the threads of each decoding step, separately for small and large batches."""

    def __init__(self, most: int) -> None:
        """Start with `most` threads, the number for an idle machine."""
        self._levels = list_thread_levels(most)
        self._by_size: dict[int, _SizeController] = {}

    def choose_threads(self, rows: int) -> int:
        """Choose the number of threads for the next step of `rows` rows."""
        return self._find_controller(rows).threads

    def record_step(self, rows: int, seconds: float) -> None:
        """Record the duration of a step of `rows` rows with the chosen number of threads."""
        self._find_controller(rows).record_step(seconds)

    def _find_controller(self, rows: int) -> _SizeController:
        """Find the controller for batches of similar size: 1, 2, 3 to 4, 5 to 8 rows and so on."""
        size = (rows - 1).bit_length()
        if size not in self._by_size:
            self._by_size[size] = _SizeController(self._levels)
        return self._by_size[size]


class _SizeController:
    """Chooses the number of threads for batches of similar size.

    A level is an index in the list of thread numbers. A search compares other levels with the
    chosen one.
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        self._levels = levels
        self._chosen = 0
        """Index of the chosen level; 0 = most threads."""
        self._recent: deque[float] = deque(maxlen=WINDOW)
        """Seconds of the last steps at the chosen level."""
        self._usual: float | None = None
        """Usual median at the chosen level; None before the first window."""
        self._since_trial = 0.0
        self._pause = FIRST_PAUSE
        self._trial: _LevelSearch | None = None

    @property
    def threads(self) -> int:
        return self._levels[self._trial.level if self._trial else self._chosen]

    def record_step(self, seconds: float) -> None:
        if self._trial:
            self._trial.record_step(seconds)
            if self._trial.done:
                self._end_trial(self._trial)
            return
        self._recent.append(seconds)
        self._since_trial += seconds
        if len(self._recent) == WINDOW:
            self._review_median(median(self._recent))

    def _review_median(self, current: float) -> None:
        """Start a search if the steps have become slow, or if it is time to try more threads."""
        first = self._usual is None
        usual = current if self._usual is None else self._usual
        fewer = list(range(self._chosen + 1, len(self._levels)))
        self._usual = min(current, usual * DRIFT)
        if fewer and (first or current > STRETCH * usual):
            self._trial = _LevelSearch(fewer, current)
        elif self._chosen and self._since_trial >= self._pause:
            self._trial = _LevelSearch([self._chosen - 1], current)

    def _end_trial(self, trial: _LevelSearch) -> None:
        self._trial = None
        self._recent.clear()
        self._since_trial = 0.0
        if trial.fastest is not None:
            self._chosen, self._usual = trial.fastest, trial.least
            self._pause = FIRST_PAUSE
        else:
            self._usual = trial.current
            self._pause = min(2 * self._pause, LONGEST_PAUSE)


class _LevelSearch:
    """Searches for a faster level: runs a window of steps at each level until they get slower."""

    def __init__(self, levels: list[int], current: float) -> None:
        """Start a search among `levels`; `current` is the median seconds at the chosen level."""
        self._levels = deque(levels)
        self._steps: list[float] = []
        self.current = current
        self.least = GAIN * current
        self.fastest: int | None = None
        """The fastest level so far; None until a level is faster than the chosen one."""

    @property
    def level(self) -> int:
        return self._levels[0]

    @property
    def done(self) -> bool:
        return not self._levels

    def record_step(self, seconds: float) -> None:
        self._steps.append(seconds)
        slow = sum(self._steps) > STRETCH * WINDOW * self.current
        if len(self._steps) < WINDOW and not slow:
            return
        found = median(self._steps)
        if found < self.least and not slow:
            self.least, self.fastest = found, self.level
        self._levels.popleft()
        self._steps.clear()
        if slow or found > STRETCH * self.least:
            self._levels.clear()
