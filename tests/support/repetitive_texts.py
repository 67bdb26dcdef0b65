"""Texts that repeat themselves for a reason, and texts of a model that is caught in a loop.

`GOOD` and `LOOPS` map a name to a text; `tokens` cuts a text about as a vocabulary of pieces does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

_PIECE = re.compile(r" ?[^\W\d_]+|\d|\s*\n| ?[^\w\s]| |_")


def tokens(text: str) -> Iterator[tuple[int, str]]:
    """Numbers and texts of the pieces: words with the blank before them, single digits, signs."""
    numbers: dict[str, int] = {}
    for piece in _PIECE.findall(text):
        yield numbers.setdefault(piece, len(numbers)), piece


def _lines(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(lines) + "\n"


def _collatz(n: int) -> Iterator[str]:
    while n != 1:
        if n % 2:
            yield f"{n} is odd, so I multiply it by 3 and add 1, which gives {3 * n + 1}."
            n = 3 * n + 1
        else:
            yield f"{n} is even, so I divide it by 2, which gives {n // 2}."
            n //= 2


def _primes(limit: int) -> list[int]:
    return [n for n in range(2, limit) if all(n % k for k in range(2, n))]


def _boards() -> Iterator[str]:
    for move in range(20):
        yield f"Board {move + 1}:"
        for row in range(8):
            yield " ".join(
                "Q" if column == (move * 3 + row * 5) % 8 else "." for column in range(8)
            )
        yield ""


_SUBJECTS = ("the cat", "a dog", "our neighbour", "the old king", "my sister", "nobody")
_VERBS = ("sees", "likes", "follows", "remembers", "sells", "paints")

GOOD = {
    "counting in figures": " ".join(map(str, range(1, 400))),
    "counting down": ", ".join(str(n) for n in range(300, 0, -1)),
    "a table of products": _lines(
        [" | ".join(f"{a} x {b} = {a * b}" for b in range(1, 11)) for a in range(1, 11)]
    ),
    "a table with like cells": "| n | prime | even |\n| --- | --- | --- |\n"
    + _lines(
        [f"| {n} | {'yes' if n in _primes(99) else 'no'} | {n % 2 == 0} |" for n in range(90)]
    ),
    "an empty table": "| name | date | sum | paid |\n|---|---|---|---|\n" + "|  |  |  |  |\n" * 12,
    "a unit matrix": _lines(
        [", ".join("1" if a == b else "0" for a in range(14)) for b in range(14)]
    ),
    "a matrix of zeros": "["
    + ",\n ".join("[" + ", ".join(["0"] * 12) + "]" for _ in range(10))
    + "]",
    "a table of truth": _lines(
        [
            " ".join(["T" if n >> k & 1 else "F" for k in range(5)] + ["T" if n % 3 else "F"])
            for n in range(32)
        ]
    ),
    "primes, a line each": _lines([f"{n} is a prime number." for n in _primes(400)]),
    "a trial division": _lines(
        [f"Is 1009 divisible by {p}? No, the remainder is {1009 % p}." for p in _primes(32)] * 2
    ),
    "the steps of Collatz": _lines(_collatz(27)),
    "squares": _lines([f"The square of {n} is {n * n}." for n in range(1, 80)]),
    "bottles of beer": "\n".join(
        f"{n} bottles of beer on the wall, {n} bottles of beer.\nTake one down and pass it around, "
        f"{n - 1} bottles of beer on the wall.\n"
        for n in range(99, 60, -1)
    ),
    "a song with a refrain": "\n\n".join(
        f"{verse}\n\nRow, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, "
        "merrily,\nLife is but a dream."
        for verse in (
            "The morning mist is on the lake and nothing moves at all,",
            "A heron stands among the reeds and waits for fish to stray,",
            "Behind the hill the bells begin, the boats come home to shore,",
            "And when the evening lamps are lit we sing it all once more,",
        )
    ),
    "a villanelle's refrains": "\n\n".join(
        f"{line}\nI count the hours until the light returns.\nAnd still the river carries what it "
        "can."
        for line in (
            "The window keeps the colour of the rain.",
            "A lamp is lit for those who come by sea.",
            "The letters lie unopened in their box.",
            "No one has asked the clock to strike again.",
            "The frost has drawn its ferns across the glass.",
            "You said that you would write before the spring.",
        )
    ),
    "a chant": "We will, we will rock you!\n" * 8,
    "a proof by cases": _lines(
        [
            f"Case {r}: suppose that n leaves the remainder {r} when divided by 12. Then n squared "
            f"leaves the remainder {r * r % 12}, so the claim holds in this case."
            for r in range(12)
        ]
    ),
    "a proof by strong phrases": _lines(
        [
            f"Since {a} divides {b}, and since {b} divides {c}, it follows that {a} divides {c}."
            for a, b, c in zip("abcdefghij", "klmnopqrst", "uvwxyzabcd", strict=True)
        ]
        * 2
    ),
    "code with like lines": _lines(
        [f"self.layer{n} = nn.Linear(in_features=128, out_features=128)" for n in range(40)]
    ),
    "a switch": _lines([f"        case {n}: return handle_{n}(event); break;" for n in range(60)]),
    "assertions": _lines(
        [f"    assert fibonacci({n}) == {n * n + 1}, 'wrong for {n}'" for n in range(50)]
    ),
    "records of JSON": "["
    + ",\n".join(
        f'{{"id": {n}, "name": "user{n}", "active": true, "role": "member", "groups": []}}'
        for n in range(60)
    )
    + "]",
    "a program written twice": 2
    * (
        "Here is the whole program:\n"
        + _lines([f"x_{n} = read_value({n * 37 % 101}) + offset_{n % 7}" for n in range(40)])
    ),
    "a board after each move": _lines(_boards()),
    "digits of a fraction": "1/7 = 0." + "142857" * 30,
    "a rule of signs": "-" * 120 + "\n" + "=" * 120 + "\n" + " " * 100 + "\n",
    "a googol": "1" + "0" * 100 + " is a 1 with a hundred zeros.",
    "a line a hundred times, nearly": _lines(["I will not talk in class."] * 22),
    "grammar drills": _lines(
        [f"{s.capitalize()} {v} {o}." for s in _SUBJECTS for v in _VERBS for o in _SUBJECTS[:3]]
    ),
    "a schedule": _lines(
        [f"{h:02}:{m:02} - {h:02}:{m + 15:02}: free" for h in range(8, 18) for m in (0, 15, 30)]
    ),
    "a plan of days": _lines(
        [
            f"Day {d}: {'Rest.' if d % 4 == 0 else f'Run {d + 2} km, then stretch.'}"
            for d in range(1, 31)
        ]
    ),
    "binary numbers": " ".join(f"{n:08b}" for n in range(64)),
    "checking by hand": _lines(
        [
            f"Let me check n = {n}: {n}^2 + {n} + 41 = {n * n + n + 41}. That is prime, so this "
            "one works too."
            for n in range(40)
        ]
    ),
    "waiting a few times": "Wait, let me think. " * 9 + "The answer is 12.",
    "buffalo": "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo. " * 3,
    "lists of the same figure": "[" + ", ".join(["0"] * 100) + "]",
}
"""Texts that no detector may end."""

_CIRCLE = (
    "I think that the answer must be five.",
    "But that cannot be right, because the sum is odd.",
    "So let me look at the question once more.",
    "The question asks for the number of pairs.",
)


def _shuffled(sentences: tuple[str, ...], seed: int, count: int) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(sentences) for _ in range(count))


LOOPS = {
    "one word": "wait " * 400,
    "one letter": "a" + " a" * 400,
    "one sentence": "The capital of France is Paris. " * 100,
    "one sentence, a line each": "So the answer must be something else. Let me think again.\n" * 60,
    "two sentences in turn": "No, that is wrong. Yes, that is right after all, I believe. " * 60,
    "an answer over and over": "Answer: 42\n\n" * 150,
    "a paragraph": (
        "The river runs through the town and past the mill. " * 1
        + "The mill has stood there for two hundred years and grinds no more. "
        + "People come to see the wheel, and the children throw stones. "
    )
    * 20,
    "a long paragraph": _lines(
        [
            f"{s} {v} {o} on the market square"
            for s in _SUBJECTS
            for v in _VERBS[:4]
            for o in ("it", "me")
        ]
    )
    * 4,
    "a numbered sentence": _lines(
        [f"{n}. Use the formula to find the value of the variable." for n in range(1, 80)]
    ),
    "a numbered word": _lines([f"{n}) yes" for n in range(1, 200)]),
    "sentences in any order": _shuffled(_CIRCLE, 0, 150),
    "sentences in another order": _shuffled(_CIRCLE[:3], 1, 150),
    "line breaks": "Done." + "\n" * 3 + "\n\n ." * 400,
    "one sign": "!" * 600,
    "one digit": "0.3" + "3" * 600,
    "a turn of its own": "User: Hello\nAssistant: Hello! How can I help you today?\n" * 50,
    "another script": "Ich weiß es nicht, ich muss noch einmal nachdenken. " * 60,
    "a link": "See https://www.example.com/page?id=1 for more. " * 60,
    "code that goes nowhere": "        else:\n            return False\n" * 80,
    "an empty table without end": "|  |  |  |  |\n" * 200,
    "thanks": "You're welcome! Have a great day! " * 60,
}
"""Texts of a loop, after a beginning that the tests put before them."""
