"""Finds the fastest setting of an index for a target recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rm_local.bench.peers.peer_protocol import PeerSetting

FIRST_BREADTH = 8
BREADTH_TOLERANCE = 0.05
"""Relative difference of the bounds of the breadth at which the bisection ends."""

MIN_RECALL_GAIN = 0.001
"""Gain in recall from doubling the breadth twice below which no larger breadth is tried."""


@dataclass(frozen=True)
class SettingResult:
    """Recall and median time in milliseconds of the queries with one setting of a peer."""

    setting: PeerSetting
    recall: float
    p50_ms: float


TrySetting = Callable[[PeerSetting], SettingResult]


def find_fastest_setting(
    try_setting: TrySetting, max_breadth: int, depths: Sequence[int], target: float
) -> tuple[SettingResult, bool]:
    """Return the fastest result with recall `target` and True, or the best result and False.

    Searches the smallest sufficient breadth for each depth, until a depth is slower than the last.
    """
    best: SettingResult | None = None
    missed: list[SettingResult] = []
    for depth in depths:
        trial = _find_smallest_breadth_or_best(try_setting, max_breadth, depth, target)
        if trial.recall < target:
            missed.append(trial)
        elif best is None or trial.p50_ms < best.p50_ms:
            best = trial
        else:
            break
    if best is not None:
        return best, True
    return max(missed, key=lambda trial: (trial.recall, -trial.p50_ms)), False


def _find_smallest_breadth_or_best(
    try_setting: TrySetting, max_breadth: int, depth: int, target: float
) -> SettingResult:
    """Return the result of the smallest breadth with recall `target`, or the best result."""
    tried = [try_setting(PeerSetting(min(FIRST_BREADTH, max_breadth), depth))]
    while tried[-1].recall < target:
        if tried[-1].setting.breadth == max_breadth or _has_plateaued(tried):
            return max(tried, key=lambda trial: trial.recall)
        tried.append(
            try_setting(PeerSetting(min(2 * tried[-1].setting.breadth, max_breadth), depth))
        )
    low = tried[-2].setting.breadth if len(tried) > 1 else 0
    return _bisect_breadth(try_setting, low, tried[-1], target)


def _has_plateaued(tried: Sequence[SettingResult]) -> bool:
    return len(tried) > 2 and 0 < tried[-1].recall < tried[-3].recall + MIN_RECALL_GAIN


def _bisect_breadth(
    try_setting: TrySetting, low: int, high: SettingResult, target: float
) -> SettingResult:
    """Bisect between the too small breadth `low` and the sufficient one of `high`."""
    while high.setting.breadth - low > max(1, BREADTH_TOLERANCE * high.setting.breadth):
        trial = try_setting(PeerSetting((low + high.setting.breadth) // 2, high.setting.depth))
        if trial.recall >= target:
            high = trial
        else:
            low = trial.setting.breadth
    return high
