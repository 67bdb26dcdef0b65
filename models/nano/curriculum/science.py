"""Problems of the known families of science, and their worked solutions."""

from __future__ import annotations

from models.nano.curriculum.arithmetic import spell_product
from models.nano.curriculum.problem import Rng, WorkedNumbers


def _draw_voltage(rng: Rng) -> WorkedNumbers:
    i, r = rng.randint(1, 12), rng.randint(2, 90)
    return WorkedNumbers(
        {"i": i, "r": r}, f"I multiply current and resistance: {spell_product(i, r)}", f"{i * r} V"
    )


def _draw_distance(rng: Rng) -> WorkedNumbers:
    v, t = rng.randint(2, 120), rng.randint(2, 12)
    return WorkedNumbers(
        {"v": v, "t": t, "thing": rng.choice(("car", "train", "bus", "cyclist", "ship", "plane"))},
        f"I multiply speed and time: {spell_product(v, t)}",
        f"{v * t} km",
    )


def _draw_force(rng: Rng) -> WorkedNumbers:
    m, a = rng.randint(1, 90), rng.randint(2, 12)
    return WorkedNumbers(
        {"m": m, "a": a}, f"I multiply mass and acceleration: {spell_product(m, a)}", f"{m * a} N"
    )


def _draw_kelvin(rng: Rng) -> WorkedNumbers:
    c = rng.randint(-60, 300)
    return WorkedNumbers({"c": c}, f"I add 273: {c}+273={c + 273}", f"{c + 273} K")


def _draw_half_life(rng: Rng) -> WorkedNumbers:
    periods, rest, h = rng.randint(1, 5), rng.randint(1, 12), rng.randint(2, 12)
    start, left, steps = rest * 2**periods, rest * 2**periods, []
    for _ in range(periods):
        steps.append(f"{left}/2={left // 2}")
        left //= 2
    worked = f"There are {h * periods}/{h}={periods} halvings: {', '.join(steps)}"
    return WorkedNumbers({"n": start, "h": h, "t": h * periods}, worked, f"{left} g")


SCIENCE = {
    "ohm-voltage": _draw_voltage,
    "travel-distance": _draw_distance,
    "newton-force": _draw_force,
    "kelvin": _draw_kelvin,
    "half-life": _draw_half_life,
}
"""By family, the function that draws and works one problem; wordings are in known.toml."""
