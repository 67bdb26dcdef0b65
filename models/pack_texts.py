"""Groups encoded training texts so that each group fills its room well."""

from __future__ import annotations

from collections.abc import Iterator

Encoded = tuple[list[int], list[bool]]
"""Token ids of a text, and for each id whether the model learns to write it."""


def group_texts(
    texts: Iterator[Encoded], room: int, longest: int, pool: int
) -> Iterator[list[Encoded]]:
    """Yield endless groups of whole texts, each of at most `room` tokens.

    The longest of `pool` waiting texts that still fits comes next. Texts of more than `longest`
    tokens are left out; `longest` is at most `room`.
    """
    waiting: list[Encoded] = []
    while True:
        group: list[Encoded] = []
        free = room
        while True:
            while len(waiting) < pool:
                encoded = next(texts)
                if len(encoded[0]) <= longest:
                    waiting.append(encoded)
            fitting = [i for i, (ids, _) in enumerate(waiting) if len(ids) <= free]
            if not fitting:
                break
            # The first is taken as it comes, so that a short text does not wait for ever.
            best = max(fitting, key=lambda i: len(waiting[i][0])) if group else fitting[0]
            group.append(waiting.pop(best))
            free -= len(group[-1][0])
        yield group
