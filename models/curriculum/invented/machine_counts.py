"""Machines with numbers as state: counters, vending machines, two boxes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from models.curriculum.invented.machine_runs import MachineRun, draw_events
from models.curriculum.invented.posing import WorkedSteps
from models.curriculum.invented.prose import capitalize_first
from models.curriculum.invented.tables import read_table

Rng = random.Random
TEXTS = read_table("machines")


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of a number by an event: its wordings, its expression, and its function."""

    phrases: tuple[str, ...]
    """Wordings; {k} is the effect's own number, {w} the name of what changes."""
    expression: str
    """Expression for the calculator; {x} is the current number."""
    apply: Callable[[int, int], int]
    low: int = 2
    high: int = 9


EFFECTS: dict[str, Effect] = {
    "add": Effect(
        ("the {w} goes up by {k}", "{k} is added to the {w}", "I add {k} to the {w}"),
        "{x}+{k}",
        lambda x, k: x + k,
    ),
    "take": Effect(
        ("the {w} goes down by {k}", "{k} is taken from the {w}", "I subtract {k} from the {w}"),
        "{x}-{k}",
        lambda x, k: x - k,
    ),
    "double": Effect(
        ("the {w} doubles", "the {w} is doubled", "I double the {w}"), "2*{x}", lambda x, k: x + x
    ),
    "times": Effect(
        (
            "the {w} is multiplied by {k}",
            "I multiply the {w} by {k}",
            "the {w} becomes {k} times as large",
        ),
        "{x}*{k}",
        lambda x, k: x * k,
        3,
        4,
    ),
    "set": Effect(
        ("the {w} is set to {k}", "the {w} becomes {k}", "I put the {w} to {k}"),
        "",
        lambda x, k: k,
        0,
        12,
    ),
    "from": Effect(
        ("the {w} is subtracted from {k}", "the {w} turns into {k} minus itself"),
        "{k}-{x}",
        lambda x, k: k - x,
        60,
        99,
    ),
}


def draw_counter_run(rng: Rng) -> MachineRun:
    """Draw a run of a counter that each event changes, perhaps within limits."""
    row = rng.choice(TEXTS["counts"])
    what: str = row["what"]
    kinds = rng.sample(list(EFFECTS), rng.randint(2, 4))
    if "add" not in kinds:
        kinds[0] = "add"
    events = rng.sample(row["events"], len(kinds))
    own = {
        e: rng.randint(EFFECTS[k].low, EFFECTS[k].high) for e, k in zip(events, kinds, strict=True)
    }
    kind_of = dict(zip(events, kinds, strict=True))
    rules = tuple(
        (e, rng.choice(EFFECTS[k].phrases).format(k=own[e], w=what)) for e, k in kind_of.items()
    )
    limit = rng.choice(("", "", "top", "bottom", "reset"))
    bound = rng.choice((20, 25, 30, 40, 50)) if limit != "bottom" else 0
    facts = {
        "": (),
        "top": (f"The {what} never goes above {bound}; what would be more counts as {bound}.",),
        "bottom": (f"The {what} cannot fall below {bound}; what would be less is {bound}.",),
        "reset": (f"Whenever the {what} is above {bound} after an event, it goes back to 1.",),
    }[limit]
    sequence, start = draw_events(rng, events), rng.randint(3, 19)
    work, value = WorkedSteps(), start
    work.add_sentence(f"Start: {start}.")
    own_value = start
    for event in sequence:
        effect, k = EFFECTS[kind_of[event]], own[event]
        value = _apply_effect(work, event, effect, value, k)
        own_value = effect.apply(own_value, k)
        if limit == "top":
            value, own_value = _apply_limit(work, value, bound, min), min(own_value, bound)
        elif limit == "bottom":
            value, own_value = _apply_limit(work, value, bound, max), max(own_value, bound)
        elif limit == "reset":
            if value > bound:
                work.add_sentence(f"That is above {bound}, so it goes back to 1.")
                value, work.reached = 1, "1"
            own_value = 1 if own_value > bound else own_value
    return MachineRun(
        row["thing"],
        rng.choice(row["asked"]),
        what,
        rng.choice(TEXTS["starts"]).format(t=row["thing"], what=what, v=start),
        rules,
        facts,
        sequence,
        work,
        str(own_value),
    )


def _apply_effect(work: WorkedSteps, event: str, effect: Effect, value: int, k: int) -> int:
    if not effect.expression:
        work.add_sentence(f"{capitalize_first(event)}: {k}.")
        work.reached = str(k)
        return k
    shown = f"({value})" if value < 0 and not effect.expression.startswith("{x}+") else str(value)
    return int(
        work.add_calculation(f"{capitalize_first(event)}:", effect.expression.format(x=shown, k=k))
    )


def _apply_limit(work: WorkedSteps, value: int, bound: int, keep: Callable[[int, int], int]) -> int:
    """Return the value within its limit; add a sentence if the limit changes it."""
    kept = keep(value, bound)
    if kept != value:
        work.add_sentence(f"That is beyond {bound}, so it is {bound}.")
        work.reached = str(kept)
    return kept


def draw_vending_run(rng: Rng) -> MachineRun:
    """Draw a run of a machine that takes coins and gives goods if the credit is enough."""
    row = rng.choice(TEXTS["vending"])
    coins = rng.sample(row["coins"], rng.randint(2, 3))
    worth = dict(zip(coins, rng.sample(range(1, 11), len(coins)), strict=True))
    press = rng.choice(row["press"])
    price, start = rng.randint(5, 16), rng.choice((0, rng.randint(1, 9)))
    lost = rng.random() < 0.3
    short = "all credit is lost" if lost else "nothing happens"
    rules = [(coin, f"the credit goes up by {value}") for coin, value in worth.items()]
    rules.append(
        (
            press,
            f"one of the {row['goods']} comes out and {price} is taken off the credit if the credit"
            f" is {price} or more; otherwise {short}",
        )
    )
    events = draw_events(rng, [*coins, *coins, press, press], 4, 8)
    while press not in events:
        events = draw_events(rng, [*coins, press], 4, 8)
    work, credit, given, own = WorkedSteps(), start, 0, (start, 0)
    work.add_sentence(f"Start: credit {start}.")
    for event in events:
        own = _update_vending_state(own, worth.get(event), price, lost)
        if event in worth:
            credit = int(
                work.add_calculation(f"{capitalize_first(event)}:", f"{credit}+{worth[event]}")
            )
            continue
        enough = work.add_calculation(
            f"{capitalize_first(event)}: is the credit enough?", f"{credit}>={price}", ""
        )
        if enough == "True":
            given += 1
            credit = int(work.add_calculation(", so one comes out:", f"{credit}-{price}"))
        else:
            work.add_sentence(f", so {short}; the credit is {0 if lost else credit}.")
            credit = 0 if lost else credit
    asks_goods = rng.random() < 0.45
    work.reached = str(given if asks_goods else credit)
    if asks_goods:
        work.add_sentence(f"Out came {given}.")
    asked = f"number of {row['goods']}" if asks_goods else "credit that is left"
    return MachineRun(
        row["thing"],
        asked,
        "credit",
        rng.choice(TEXTS["starts"]).format(t=row["thing"], what="credit", v=start),
        tuple(rules),
        (),
        events,
        work,
        str(own[1] if asks_goods else own[0]),
    )


def _update_vending_state(
    state: tuple[int, int], coin: int | None, price: int, lost: bool
) -> tuple[int, int]:
    """Return credit and goods after a coin, or after a press if `coin` is None."""
    credit, given = state
    if coin is not None:
        return credit + coin, given
    if credit >= price:
        return credit - price, given + 1
    return (0 if lost else credit), given


def draw_boxes_run(rng: Rng) -> MachineRun:
    """Draw a run of two boxes between which things move."""
    row = rng.choice(TEXTS["boxes"])
    first, second, items = row["first"], row["second"], row["items"]
    k, m = rng.sample(range(2, 8), 2)
    effects: dict[str, tuple[str, Callable[[int, int], tuple[int, int]], tuple[str, str]]] = {
        "move": (
            f"{k} {items} go from the {first} to the {second}",
            lambda a, b: (a - k, b + k),
            (f"{{a}}-{k}", f"{{b}}+{k}"),
        ),
        "return": (
            f"{m} {items} go from the {second} to the {first}",
            lambda a, b: (a + m, b - m),
            (f"{{a}}+{m}", f"{{b}}-{m}"),
        ),
        "feed": (
            f"the {second} gets {m} more {items}",
            lambda a, b: (a, b + m),
            ("", f"{{b}}+{m}"),
        ),
        "swap": (
            f"the {first} and the {second} change their contents",
            lambda a, b: (b, a),
            ("{b}", "{a}"),
        ),
        "twin": (f"the {items} of the {first} are doubled", lambda a, b: (a + a, b), ("2*{a}", "")),
    }
    names = rng.sample(list(effects), rng.randint(2, 4))
    while True:
        events = draw_events(rng, names, 3, 6)
        a, b = rng.randint(10, 40), rng.randint(10, 40)
        states = [(a, b)]
        for event in events:
            states.append(effects[event][1](*states[-1]))
        if a != b and all(x >= 0 and y >= 0 for x, y in states):
            break
    work, start = WorkedSteps(), (a, b)
    work.add_sentence(f"Start: {first} {a}, {second} {b}.")
    for event in events:
        left, right = (w.format(a=a, b=b) for w in effects[event][2])
        if event == "swap":
            a, b = b, a
            work.add_sentence(f"Swap: {first} {a}, {second} {b}.")
            continue
        before = f"{capitalize_first(event)}:"
        if left:
            a = int(work.add_calculation(f"{before} {first}", left, ";" if right else "."))
            before = ""
        if right:
            b = int(work.add_calculation(f"{before} {second}".strip(), right))
    of_first = rng.random() < 0.5
    work.reached = str(a if of_first else b)
    stated = (
        rng.choice(
            (
                f"there are {start[0]} {items} in the {first} and {start[1]} in the {second}",
                f"the {first} holds {start[0]} {items}, the {second} {start[1]}",
            )
        )
        .replace("in the top", "on the top")
        .replace("in the bottom", "on the bottom")
    )
    place = f"{'on' if 'shelf' in first else 'in'} the {first if of_first else second}"
    return MachineRun(
        f"{first} and the {second}",
        f"number of {items} {place}",
        "contents",
        stated,
        tuple((name, effects[name][0]) for name in names),
        (),
        events,
        work,
        str(states[-1][0] if of_first else states[-1][1]),
    )
