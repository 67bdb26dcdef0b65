"""Turning an index's dial up until its recall is good enough, and no further."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rm_local.bench.peers.peer_protocol import PeerSetting

FIRST = 8
FINE = 0.05
"""Breadths less than a twentieth apart are not told apart."""

GAIN = 0.001
"""Recall that twice doubling the breadth must bring, or more breadth brings nothing."""


@dataclass(frozen=True)
class Trial:
    """All queries asked at one setting."""

    dial: PeerSetting
    recall: float
    p50_ms: float


Ask = Callable[[PeerSetting], Trial]


def tune(ask: Ask, widest: int, depths: Sequence[int], target: float) -> tuple[Trial, bool]:
    """The quickest trial whose recall is at least `target`, and True; else the best, and False.

    For each depth the smallest breadth is looked for; the next depth is tried as long as the one
    before brought something.
    """
    best: Trial | None = None
    missed: list[Trial] = []
    for depth in depths:
        trial = _narrowest(ask, widest, depth, target)
        if trial.recall < target:
            missed.append(trial)
        elif best is None or trial.p50_ms < best.p50_ms:
            best = trial
        else:
            break
    if best is not None:
        return best, True
    return max(missed, key=lambda trial: (trial.recall, -trial.p50_ms)), False


def _narrowest(ask: Ask, widest: int, depth: int, target: float) -> Trial:
    """The trial of the smallest breadth that reaches `target`; if none does, of the best recall."""
    tried = [ask(PeerSetting(min(FIRST, widest), depth))]
    while tried[-1].recall < target:
        if tried[-1].dial.breadth == widest or _flat(tried):
            return max(tried, key=lambda trial: trial.recall)
        tried.append(ask(PeerSetting(min(2 * tried[-1].dial.breadth, widest), depth)))
    low = tried[-2].dial.breadth if len(tried) > 1 else 0
    return _between(ask, low, tried[-1], target)


def _flat(tried: Sequence[Trial]) -> bool:
    return len(tried) > 2 and 0 < tried[-1].recall < tried[-3].recall + GAIN


def _between(ask: Ask, low: int, high: Trial, target: float) -> Trial:
    """Halve what lies between a breadth that misses the target and one that reaches it."""
    while high.dial.breadth - low > max(1, FINE * high.dial.breadth):
        trial = ask(PeerSetting((low + high.dial.breadth) // 2, high.dial.depth))
        if trial.recall >= target:
            high = trial
        else:
            low = trial.dial.breadth
    return high
