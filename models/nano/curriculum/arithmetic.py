"""Writes arithmetic in steps small enough for rm-nano: each `=` is one look-up or one carry."""

from __future__ import annotations

from collections.abc import Sequence


def spell_product(a: int, b: int) -> str:
    """Return the steps of `a*b`: `34*7=30*7+4*7=210+28=238`."""
    if a < 0 or b < 0:
        return f"{spell_product(abs(a), abs(b))}, so {a}*{b}={a * b}"
    small, large = sorted((a, b))
    cuts = _split_places(large)
    if large <= 12 or small <= 1 or (small <= 12 and len(cuts) == 1):
        return f"{a}*{b}={a * b}"
    if small <= 12:
        factors = "+".join(f"{cut}*{small}" for cut in cuts)
        products = "+".join(str(cut * small) for cut in cuts)
        return f"{a}*{b}={factors}={products}={a * b}"
    return _spell_long_product(large, _split_places(small))


def _spell_long_product(a: int, places: Sequence[int]) -> str:
    """Return the steps of `a` times each place of the other factor, then of the sum."""
    parts = []
    for place in places:
        lead = int(str(place)[0])
        shifted = f", {a}*{place}={a * place}" if place > 9 else ""
        parts.append(spell_product(a, lead) + shifted)
    if len(places) > 1:
        products = [a * place for place in places]
        parts.append(f"{'+'.join(map(str, products))}={sum(products)}")
    return ", ".join(parts)


def _split_places(n: int) -> list[int]:
    """Return the places of a number: `[300, 7]` for 307."""
    digits = str(n)
    return [int(d) * 10 ** (len(digits) - i - 1) for i, d in enumerate(digits) if d != "0"]


def spell_remainder(a: int, b: int) -> str:
    """Return the steps of `a mod b` from the nearest multiple: `47 mod 6: 6*7=42, 47-42=5`."""
    below = a - a % b
    return f"{a} mod {b}: {b}*{a // b}={below}, {a}-{below}={a % b}"


def spell_running_sum(numbers: Sequence[int]) -> str:
    """Return the steps of a sum: `3+4=7, 7+9=16`."""
    steps, so_far = [], numbers[0]
    for n in numbers[1:]:
        steps.append(f"{so_far}+{n}={so_far + n}")
        so_far += n
    return ", ".join(steps)


def join_list(items: Sequence[object], last: str = "and") -> str:
    """Join the items: `a`, `a and b`, `a, b and c`."""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"
