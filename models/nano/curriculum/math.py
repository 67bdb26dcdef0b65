"""The known families of mathematics."""

from __future__ import annotations

from models.nano.curriculum.arithmetic import listed, remainder, times, total
from models.nano.curriculum.problem import Drawn, Rng
from models.nano.curriculum.tables import table

WORDS = table("words")


def _pair(rng: Rng) -> tuple[int, int]:
    top = rng.choice((20, 99, 99, 500))
    return rng.randint(2, top), rng.randint(2, top)


def _story(rng: Rng) -> dict[str, object]:
    one, two = rng.sample(WORDS["people"], 2)
    return {"who": one, "other": two, "things": rng.choice(WORDS["objects"])}


def _sum(rng: Rng) -> Drawn:
    a, b = _pair(rng)
    return Drawn({"a": a, "b": b, **_story(rng)}, f"I add: {a}+{b}={a + b}", str(a + b))


def _difference(rng: Rng) -> Drawn:
    b, a = sorted(_pair(rng))
    return Drawn({"a": a, "b": b, **_story(rng)}, f"I subtract: {a}-{b}={a - b}", str(a - b))


def _product(rng: Rng) -> Drawn:
    a, b = rng.randint(2, rng.choice((12, 99))), rng.randint(2, rng.choice((9, 12, 99)))
    return Drawn({"a": a, "b": b, **_story(rng)}, f"I multiply: {times(a, b)}", str(a * b))


def _quotient(rng: Rng) -> Drawn:
    b, q = rng.randint(2, 12), rng.randint(2, rng.choice((12, 40)))
    return Drawn(
        {"a": b * q, "b": b, **_story(rng)},
        f"I look for the factor: {times(q, b)}, so {b * q}/{b}={q}",
        str(q),
    )


def _remainder(rng: Rng) -> Drawn:
    a, b = rng.randint(10, 199), rng.randint(2, 12)
    return Drawn({"a": a, "b": b}, f"I use the nearest multiple: {remainder(a, b)}", str(a % b))


def _gcd(rng: Rng) -> Drawn:
    common = rng.randint(1, 12)
    a, b = common * rng.randint(1, 12), common * rng.randint(1, 12)
    x, y, steps = max(a, b), min(a, b), []
    while y:
        steps.append(remainder(x, y))
        x, y = y, x % y
    return Drawn({"a": a, "b": b}, f"I take remainders until zero: {'; '.join(steps)}", str(x))


def _equation(rng: Rng) -> Drawn:
    x, k, c, v = rng.randint(-12, 20), rng.randint(2, 12), rng.randint(1, 40), rng.choice("xxxyntz")
    sign = rng.choice("+-")
    right = k * x + c if sign == "+" else k * x - c
    back, verb = ("-", "subtract") if sign == "+" else ("+", "add")
    steps = (
        f"I {verb} {c} on both sides: {right}{back}{c}={k * x}; I divide by {k}: {k * x}/{k}={x}"
    )
    return Drawn({"k": k, "c": c, "d": right, "v": v, "sign": sign}, steps, f"{v}={x}")


def _percentage(rng: Rng) -> Drawn:
    while True:
        p, n = rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90)), rng.randint(1, 40) * 10
        if p * n % 100 == 0:
            break
    worked = f"{times(p, n // 10)}, {p}*{n}={p * n}, {p * n}/100={p * n // 100}"
    steps = f"I multiply and divide by 100: {worked}"
    return Drawn({"p": p, "n": n, **_story(rng)}, steps, str(p * n // 100))


def _mean(rng: Rng) -> Drawn:
    count = rng.choice((2, 3, 4, 5))
    while True:
        numbers = [rng.randint(1, 60) for _ in range(count)]
        if sum(numbers) % count == 0:
            break
    shared = f"{sum(numbers)}/{count}={sum(numbers) // count}"
    steps = f"I add them: {total(numbers)}; there are {count}: {shared}"
    return Drawn(
        {"list": listed(numbers), "bare": ", ".join(map(str, numbers))},
        steps,
        str(sum(numbers) // count),
    )


def _term(rng: Rng) -> Drawn:
    a, d, n = rng.randint(1, 30), rng.randint(2, 12), rng.randint(4, 30)
    way = (n - 1) * d
    steps = (
        f"I go {n}-1={n - 1} steps of {d}: {times(n - 1, d)}; I add the start: {a}+{way}={a + way}"
    )
    first = ", ".join(str(a + i * d) for i in range(3))
    return Drawn({"a": a, "d": d, "n": n, "first": first}, steps, str(a + (n - 1) * d))


def _prime(rng: Rng) -> Drawn:
    n = rng.randint(2, 120)
    steps = []
    for p in (2, 3, 5, 7):
        if p * p > n:
            break
        steps.append(remainder(n, p))
        if n % p == 0:
            return Drawn(
                {"n": n}, f"I try the small primes: {'; '.join(steps)}, so {p} divides it", "no"
            )
    tried = (
        f"I try the small primes: {'; '.join(steps)}, none divides it"
        if steps
        else "It is below four"
    )
    return Drawn({"n": n}, tried, "yes")


def _area(rng: Rng) -> Drawn:
    a, b = rng.randint(2, 60), rng.randint(2, 12)
    if rng.random() < 0.5:
        a, b = b, a
    return Drawn(
        {"a": a, "b": b, "u": rng.choice(("cm", "m", "km", "mm"))},
        f"I multiply: {times(a, b)}",
        str(a * b),
    )


MATH = {
    "sum": _sum,
    "difference": _difference,
    "product": _product,
    "quotient": _quotient,
    "remainder": _remainder,
    "gcd": _gcd,
    "linear-equation": _equation,
    "percentage": _percentage,
    "mean": _mean,
    "nth-term": _term,
    "prime": _prime,
    "rectangle-area": _area,
}
"""Slug to the function that draws and works one problem; the words are in known.toml."""
