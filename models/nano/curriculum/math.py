"""Problems of the known families of mathematics, and their worked solutions."""

from __future__ import annotations

from models.nano.curriculum.arithmetic import (
    join_list,
    spell_product,
    spell_remainder,
    spell_running_sum,
)
from models.nano.curriculum.problem import Rng, WorkedNumbers
from models.nano.curriculum.tables import read_table

WORDS = read_table("words")


def _draw_pair(rng: Rng) -> tuple[int, int]:
    top = rng.choice((20, 99, 99, 500))
    return rng.randint(2, top), rng.randint(2, top)


def _draw_story(rng: Rng) -> dict[str, object]:
    one, two = rng.sample(WORDS["people"], 2)
    return {"who": one, "other": two, "things": rng.choice(WORDS["objects"])}


def _draw_sum(rng: Rng) -> WorkedNumbers:
    a, b = _draw_pair(rng)
    return WorkedNumbers(
        {"a": a, "b": b, **_draw_story(rng)}, f"I add: {a}+{b}={a + b}", str(a + b)
    )


def _draw_difference(rng: Rng) -> WorkedNumbers:
    b, a = sorted(_draw_pair(rng))
    return WorkedNumbers(
        {"a": a, "b": b, **_draw_story(rng)}, f"I subtract: {a}-{b}={a - b}", str(a - b)
    )


def _draw_product(rng: Rng) -> WorkedNumbers:
    a, b = rng.randint(2, rng.choice((12, 99))), rng.randint(2, rng.choice((9, 12, 99)))
    return WorkedNumbers(
        {"a": a, "b": b, **_draw_story(rng)}, f"I multiply: {spell_product(a, b)}", str(a * b)
    )


def _draw_quotient(rng: Rng) -> WorkedNumbers:
    b, q = rng.randint(2, 12), rng.randint(2, rng.choice((12, 40)))
    return WorkedNumbers(
        {"a": b * q, "b": b, **_draw_story(rng)},
        f"I look for the factor: {spell_product(q, b)}, so {b * q}/{b}={q}",
        str(q),
    )


def _draw_remainder(rng: Rng) -> WorkedNumbers:
    a, b = rng.randint(10, 199), rng.randint(2, 12)
    return WorkedNumbers(
        {"a": a, "b": b}, f"I use the nearest multiple: {spell_remainder(a, b)}", str(a % b)
    )


def _draw_gcd(rng: Rng) -> WorkedNumbers:
    common = rng.randint(1, 12)
    a, b = common * rng.randint(1, 12), common * rng.randint(1, 12)
    x, y, steps = max(a, b), min(a, b), []
    while y:
        steps.append(spell_remainder(x, y))
        x, y = y, x % y
    return WorkedNumbers(
        {"a": a, "b": b}, f"I take remainders until zero: {'; '.join(steps)}", str(x)
    )


def _draw_equation(rng: Rng) -> WorkedNumbers:
    x, k, c, v = rng.randint(-12, 20), rng.randint(2, 12), rng.randint(1, 40), rng.choice("xxxyntz")
    sign = rng.choice("+-")
    right = k * x + c if sign == "+" else k * x - c
    back, verb = ("-", "subtract") if sign == "+" else ("+", "add")
    steps = (
        f"I {verb} {c} on both sides: {right}{back}{c}={k * x}; I divide by {k}: {k * x}/{k}={x}"
    )
    return WorkedNumbers({"k": k, "c": c, "d": right, "v": v, "sign": sign}, steps, f"{v}={x}")


def _draw_percentage(rng: Rng) -> WorkedNumbers:
    while True:
        p, n = rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90)), rng.randint(1, 40) * 10
        if p * n % 100 == 0:
            break
    worked = f"{spell_product(p, n // 10)}, {p}*{n}={p * n}, {p * n}/100={p * n // 100}"
    steps = f"I multiply and divide by 100: {worked}"
    return WorkedNumbers({"p": p, "n": n, **_draw_story(rng)}, steps, str(p * n // 100))


def _draw_mean(rng: Rng) -> WorkedNumbers:
    count = rng.choice((2, 3, 4, 5))
    while True:
        numbers = [rng.randint(1, 60) for _ in range(count)]
        if sum(numbers) % count == 0:
            break
    shared = f"{sum(numbers)}/{count}={sum(numbers) // count}"
    steps = f"I add them: {spell_running_sum(numbers)}; there are {count}: {shared}"
    return WorkedNumbers(
        {"list": join_list(numbers), "bare": ", ".join(map(str, numbers))},
        steps,
        str(sum(numbers) // count),
    )


def _draw_sequence_term(rng: Rng) -> WorkedNumbers:
    a, d, n = rng.randint(1, 30), rng.randint(2, 12), rng.randint(4, 30)
    way = (n - 1) * d
    product = spell_product(n - 1, d)
    steps = f"I go {n}-1={n - 1} steps of {d}: {product}; I add the start: {a}+{way}={a + way}"
    first = ", ".join(str(a + i * d) for i in range(3))
    return WorkedNumbers({"a": a, "d": d, "n": n, "first": first}, steps, str(a + (n - 1) * d))


def _draw_prime_test(rng: Rng) -> WorkedNumbers:
    n = rng.randint(2, 120)
    steps = []
    for p in (2, 3, 5, 7):
        if p * p > n:
            break
        steps.append(spell_remainder(n, p))
        if n % p == 0:
            return WorkedNumbers(
                {"n": n}, f"I try the small primes: {'; '.join(steps)}, so {p} divides it", "no"
            )
    tried = (
        f"I try the small primes: {'; '.join(steps)}, none divides it"
        if steps
        else "It is below four"
    )
    return WorkedNumbers({"n": n}, tried, "yes")


def _draw_rectangle_area(rng: Rng) -> WorkedNumbers:
    a, b = rng.randint(2, 60), rng.randint(2, 12)
    if rng.random() < 0.5:
        a, b = b, a
    return WorkedNumbers(
        {"a": a, "b": b, "u": rng.choice(("cm", "m", "km", "mm"))},
        f"I multiply: {spell_product(a, b)}",
        str(a * b),
    )


MATH = {
    "sum": _draw_sum,
    "difference": _draw_difference,
    "product": _draw_product,
    "quotient": _draw_quotient,
    "remainder": _draw_remainder,
    "gcd": _draw_gcd,
    "linear-equation": _draw_equation,
    "percentage": _draw_percentage,
    "mean": _draw_mean,
    "nth-term": _draw_sequence_term,
    "prime": _draw_prime_test,
    "rectangle-area": _draw_rectangle_area,
}
"""By family, the function that draws and works one problem; wordings are in known.toml."""
