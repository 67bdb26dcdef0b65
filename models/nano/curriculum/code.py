"""Problems of the known families about reading code, and their worked solutions."""

from __future__ import annotations

from models.nano.curriculum.arithmetic import spell_product, spell_running_sum
from models.nano.curriculum.problem import Rng, WorkedNumbers


def _draw_numbers(rng: Rng, low: int = 3, high: int = 6) -> list[int]:
    return [rng.randint(0, rng.choice((9, 20))) for _ in range(rng.randint(low, high))]


def _draw_sorted_list(rng: Rng) -> WorkedNumbers:
    items = _draw_numbers(rng)
    down = rng.random() < 0.4
    code = (
        rng.choice((f"sorted({items}, reverse=True)", f"sorted({items})[::-1]"))
        if down
        else f"sorted({items})"
    )
    steps = f"From small to large: {sorted(items)}"
    steps += f"; backwards: {sorted(items)[::-1]}" if down else ""
    return WorkedNumbers({"e": code}, steps, str(sorted(items, reverse=down)))


def _draw_list_sum(rng: Rng) -> WorkedNumbers:
    items = _draw_numbers(rng, 2, 5)
    return WorkedNumbers(
        {"e": f"sum({items})"}, f"I add the items: {spell_running_sum(items)}", str(sum(items))
    )


def _draw_list_extreme(rng: Rng) -> WorkedNumbers:
    items = _draw_numbers(rng)
    which, pick = rng.choice((("max", max), ("min", min)))
    word = "largest" if which == "max" else "smallest"
    best, steps = items[0], [str(items[0])]
    for n in items[1:]:
        best = pick(best, n)
        steps.append(f"{n} gives {best}")
    return WorkedNumbers(
        {"e": f"{which}({items})"}, f"I keep the {word}: {', '.join(steps)}", str(best)
    )


def _draw_loop(rng: Rng) -> WorkedNumbers:
    x, k, n = rng.randint(0, 20), rng.randint(1, 9), rng.randint(2, 5)
    op = rng.choice(("+", "+", "*", "-")) if x < 5 and k < 4 else rng.choice("+-")
    code = f"x = {x}\nfor i in range({n}):\n    x = x {op} {k}\nprint(x)"
    steps = []
    for _ in range(n):
        new = {"+": x + k, "-": x - k, "*": x * k}[op]
        steps.append(spell_product(x, k) if op == "*" else f"{x}{op}{k}={new}")
        x = new
    return WorkedNumbers({"e": code}, f"The loop runs {n} times: {', '.join(steps)}", str(x))


def _draw_branch(rng: Rng) -> WorkedNumbers:
    x, limit, a, b = rng.randint(1, 30), rng.randint(1, 30), rng.randint(1, 20), rng.randint(1, 20)
    code = f"x = {x}\nif x > {limit}:\n    x = x + {a}\nelse:\n    x = x - {b}\nprint(x)"
    taken = x > limit
    new = x + a if taken else x - b
    steps = f"{x}>{limit} is {taken}: {x}{'+' if taken else '-'}{a if taken else b}={new}"
    return WorkedNumbers({"e": code}, steps, str(new))


def _draw_call(rng: Rng) -> WorkedNumbers:
    a, b, k = rng.randint(1, 12), rng.randint(1, 12), rng.randint(1, 9)
    body, first = rng.choice((("x * y", spell_product(a, b)), ("x + y", f"{a}+{b}={a + b}")))
    value = a * b if "*" in body else a + b
    code = f"def f(x, y):\n    return {body} + {k}\nprint(f({a}, {b}))"
    return WorkedNumbers(
        {"e": code}, f"x is {a} and y is {b}: {first}, {value}+{k}={value + k}", str(value + k)
    )


CODE = {
    "sorted-list": _draw_sorted_list,
    "list-sum": _draw_list_sum,
    "list-extreme": _draw_list_extreme,
    "loop": _draw_loop,
    "branch": _draw_branch,
    "call": _draw_call,
}
"""By family, the function that draws and works one problem; wordings are in known.toml."""
