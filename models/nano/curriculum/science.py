"""The known families of science."""

from __future__ import annotations

from models.nano.curriculum.arithmetic import times
from models.nano.curriculum.problem import Drawn, Rng


def _voltage(rng: Rng) -> Drawn:
    i, r = rng.randint(1, 12), rng.randint(2, 90)
    return Drawn(
        {"i": i, "r": r}, f"I multiply current and resistance: {times(i, r)}", f"{i * r} V"
    )


def _distance(rng: Rng) -> Drawn:
    v, t = rng.randint(2, 120), rng.randint(2, 12)
    return Drawn(
        {"v": v, "t": t, "thing": rng.choice(("car", "train", "bus", "cyclist", "ship", "plane"))},
        f"I multiply speed and time: {times(v, t)}",
        f"{v * t} km",
    )


def _force(rng: Rng) -> Drawn:
    m, a = rng.randint(1, 90), rng.randint(2, 12)
    return Drawn({"m": m, "a": a}, f"I multiply mass and acceleration: {times(m, a)}", f"{m * a} N")


def _kelvin(rng: Rng) -> Drawn:
    c = rng.randint(-60, 300)
    return Drawn({"c": c}, f"I add 273: {c}+273={c + 273}", f"{c + 273} K")


def _half_life(rng: Rng) -> Drawn:
    periods, rest, h = rng.randint(1, 5), rng.randint(1, 12), rng.randint(2, 12)
    start, left, steps = rest * 2**periods, rest * 2**periods, []
    for _ in range(periods):
        steps.append(f"{left}/2={left // 2}")
        left //= 2
    worked = f"There are {h * periods}/{h}={periods} halvings: {', '.join(steps)}"
    return Drawn({"n": start, "h": h, "t": h * periods}, worked, f"{left} g")


SCIENCE = {
    "ohm-voltage": _voltage,
    "travel-distance": _distance,
    "newton-force": _force,
    "kelvin": _kelvin,
    "half-life": _half_life,
}
"""Slug to the function that draws and works one problem; the words are in known.toml."""
