"""Machines with other states: lamps and gates, turnstiles, robots on a grid."""

from __future__ import annotations

import random

from models.curriculum.invented.coining import coin_word
from models.curriculum.invented.machine_runs import MachineRun, draw_events
from models.curriculum.invented.posing import WorkedSteps
from models.curriculum.invented.prose import capitalize_first, join_list
from models.curriculum.invented.tables import read_table

Rng = random.Random
TEXTS = read_table("machines")
HEADINGS = ("north", "east", "south", "west")
MOVES = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}


def draw_state_run(rng: Rng) -> MachineRun:
    """Draw a run of a thing that each event changes from one named state to another."""
    row = rng.choice(TEXTS["states"])
    states = rng.sample(row["values"], rng.randint(3, 4))
    names = rng.sample(row["events"], rng.randint(1, 3))
    if rng.random() < 0.15:
        names = [coin_word(rng, 1) for _ in names]
    names = list(dict.fromkeys(names))
    table_of = {name: _draw_transitions(rng, states, first=n == 0) for n, name in enumerate(names)}
    rules = tuple(
        (name, _phrase_transitions(rng, row["thing"], moves)) for name, moves in table_of.items()
    )
    start = rng.choice(states)
    events = draw_events(rng, names, 3, 7)
    pairs = [(n, old, new) for n, moves in table_of.items() for old, new in moves.items()]
    work, state = WorkedSteps(), start
    said = [f"Start: {start}."]
    for event in events:
        state = next(new for n, old, new in pairs if (n, old) == (event, state))
        said.append(f"{capitalize_first(event)}: {state}.")
    work.add_sentence(" ".join(said))
    work.reached = state
    answer = start
    for event in events:
        answer = table_of[event][answer]
    return MachineRun(
        row["thing"],
        rng.choice(row["asked"]),
        "state",
        rng.choice(TEXTS["state_starts"]).format(t=row["thing"], v=start)
        if row["thing"] != "music box" and row["thing"] != "paper form"
        else f"the state of the {row['thing']} is '{start}'",
        rules,
        (),
        events,
        work,
        answer,
    )


def _draw_transitions(rng: Rng, states: list[str], first: bool) -> dict[str, str]:
    """Draw the next state of each state under an event: a cycle, one target, or at random."""
    order = rng.sample(states, len(states))
    kind = rng.random()
    if first or kind < 0.4:
        return dict(zip(order, [*order[1:], order[0]], strict=True))
    if kind < 0.6:
        return dict.fromkeys(states, rng.choice(states))
    return {state: rng.choice(states) for state in states}


def _phrase_transitions(rng: Rng, thing: str, moves: dict[str, str]) -> str:
    targets = set(moves.values())
    if len(targets) == 1:
        (target,) = targets
        return f"it is {target} then, whatever it was before"
    changing = {old: new for old, new in moves.items() if old != new}
    kept = [old for old, new in moves.items() if old == new]
    if rng.random() < 0.4:
        stated = join_list([f"{old} becomes {new}" for old, new in changing.items()])
    elif rng.random() < 0.5:
        stated = f"the {thing} goes {join_list([f'from {o} to {n}' for o, n in changing.items()])}"
    else:
        stated = join_list([f"{old} turns into {new}" for old, new in changing.items()])
    return (
        f"{stated}, while {join_list(kept)} {'stay' if kept[1:] else 'stays'}" if kept else stated
    )


def draw_turnstile_run(rng: Rng) -> MachineRun:
    """Draw a run of a door that lets some pass for each coin."""
    thing, coin, push = rng.choice(
        (
            ("turnstile", "coin", "push"),
            ("barrier", "ticket", "car"),
            ("hatch", "token", "knock"),
            ("ferry gate", "stamp", "walker"),
            ("cat flap", "beep", "cat"),
        )
    )
    passes, most = rng.randint(1, 3), rng.randint(3, 6)
    events = draw_events(rng, (coin, push, push), 4, 9)
    start = rng.randint(0, 2)
    rules = (
        (coin, f"{passes} more may pass, but never more than {most} in all"),
        (push, "one passes and one fewer may pass; if none may pass, nothing happens"),
    )
    work, free, passed, own_free, own_passed = WorkedSteps(), start, 0, start, 0
    work.add_sentence(f"Start: {start} may pass, 0 have passed.")
    for event in events:
        if event == coin:
            free = int(
                work.add_calculation(
                    f"{capitalize_first(coin)}:", f"min({free}+{passes},{most})", " may pass."
                )
            )
            own_free = own_free + passes if own_free + passes < most else most
            continue
        if own_free:
            own_free, own_passed = own_free - 1, own_passed + 1
        if free > 0:
            passed = int(
                work.add_calculation(f"{capitalize_first(push)}: passed", f"{passed}+1", ",")
            )
            free = int(work.add_calculation("still free", f"{free}-1"))
        else:
            work.add_sentence(f"{capitalize_first(push)}: none may pass, nothing happens.")
    asks_passed = rng.random() < 0.6
    work.reached = str(passed if asks_passed else free)
    return MachineRun(
        thing,
        "number that has passed" if asks_passed else "number that may still pass",
        "number that may pass",
        rng.choice(
            (
                f"{start} may pass the {thing}",
                f"the {thing} lets {start} pass",
                f"the {thing} is free for {start}",
            )
        ),
        rules,
        (),
        events,
        work,
        str(own_passed if asks_passed else own_free),
    )


def draw_grid_run(rng: Rng) -> MachineRun:
    """Draw a run of a robot on a grid that moves or turns on commands."""
    thing = rng.choice(("robot", "turtle", "drone", "beetle", "rover"))
    return _draw_turning_run(rng, thing) if rng.random() < 0.5 else _draw_moving_run(rng, thing)


def _draw_moving_run(rng: Rng, thing: str) -> MachineRun:
    """Draw a run in which each command moves the robot some squares in one direction."""
    names = rng.choice((("A", "B", "C", "D"), ("zip", "zap", "zop", "zup"), ("P", "Q", "R", "S")))
    few = names[: rng.randint(2, 4)]
    ways = {n: (rng.choice(HEADINGS), rng.randint(1, 5)) for n in few}
    rules = tuple(
        (n, f"the {thing} goes {k} {_inflect_square(k)} {way}") for n, (way, k) in ways.items()
    )
    events = draw_events(rng, few, 3, 6)
    x, y = rng.randint(0, 12), rng.randint(0, 12)
    own, start = [x, y], (x, y)
    work = WorkedSteps()
    work.add_sentence(f"Start: ({x}, {y}).")
    for event in events:
        way, k = ways[event]
        x, y = _work_move(work, f"{capitalize_first(event)}, {way}:", way, k, x, y)
        own = [c + k * d for c, d in zip(own, MOVES[way], strict=True)]
    return _build_grid_run(rng, thing, start, "", rules, events, work, (x, y), (own[0], own[1]))


def _draw_turning_run(rng: Rng, thing: str) -> MachineRun:
    """Draw a run in which commands turn the robot, or move it where it faces."""
    forward, left, right = rng.choice(
        (("go", "left", "right"), ("F", "L", "R"), ("run", "lef", "rig"))
    )
    k = rng.randint(1, 4)
    rules = (
        (forward, f"the {thing} moves {k} {_inflect_square(k)} the way it faces"),
        (left, f"the {thing} turns a quarter to the left on the spot"),
        (right, f"the {thing} turns a quarter to the right on the spot"),
    )
    events = draw_events(rng, (forward, forward, left, right), 3, 7)
    x, y, facing = rng.randint(0, 12), rng.randint(0, 12), rng.choice(HEADINGS)
    start, first = (x, y), facing
    work, own, step = WorkedSteps(), (x, y), MOVES[facing]
    work.add_sentence(f"Start: ({x}, {y}), facing {facing}.")
    for event in events:
        if event == forward:
            x, y = _work_move(work, f"{capitalize_first(event)}, {facing}:", facing, k, x, y)
            own = (own[0] + k * step[0], own[1] + k * step[1])
            continue
        by = 1 if event == right else -1
        facing = HEADINGS[(HEADINGS.index(facing) + by) % 4]
        step = (by * step[1], -by * step[0])
        work.add_sentence(f"{capitalize_first(event)}: facing {facing}.")
    stated = f", facing {first}"
    return _build_grid_run(rng, thing, start, stated, rules, events, work, (x, y), own)


def _work_move(work: WorkedSteps, before: str, way: str, k: int, x: int, y: int) -> tuple[int, int]:
    sign = "+" if way in ("north", "east") else "-"
    if way in ("north", "south"):
        return x, int(work.add_calculation(f"{before} y", f"{y}{sign}{k}"))
    return int(work.add_calculation(f"{before} x", f"{x}{sign}{k}")), y


def _build_grid_run(
    rng: Rng,
    thing: str,
    start: tuple[int, int],
    facing: str,
    rules: tuple[tuple[str, str], ...],
    events: tuple[str, ...],
    work: WorkedSteps,
    reached: tuple[int, int],
    own: tuple[int, int],
) -> MachineRun:
    work.reached = f"({reached[0]}, {reached[1]})"
    facts = (
        "East makes x larger, west smaller; north makes y larger, south smaller.",
        "On the grid x grows to the east and y to the north.",
        "Going north adds to y, going south takes off; east adds to x, west takes off.",
    )
    place = f"({start[0]}, {start[1]})"
    stated = rng.choice(
        (
            f"the {thing} is at {place}",
            f"the {thing} starts at {place}",
            f"the {thing} stands on {place}",
        )
    )
    asked = rng.choice((f"position of the {thing}", f"square of the {thing}", "final position"))
    what = f"position{' and direction' if facing else ''}"
    return MachineRun(
        thing,
        asked,
        what,
        stated + facing,
        rules,
        (rng.choice(facts),),
        events,
        work,
        f"({own[0]}, {own[1]})",
    )


def _inflect_square(count: int) -> str:
    return "square" if count == 1 else "squares"
