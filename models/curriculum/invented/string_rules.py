"""Operations on words and lists: as Python functions, and as expressions for the calculator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

VOWELS = "aeiou"
Value = str | int | list[int] | list[str]
WORD, NUMBER, NUMBERS, WORDS = "word", "number", "numbers", "words"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on a value: its Python function, and its expression for the calculator."""

    kind: str
    result: str
    """Kind of the result."""
    apply: Callable[..., Value]
    """Function of the value and the parameter."""
    expression: Callable[..., str]
    """Function of the value and the parameter that returns the expression for the calculator."""
    own: str = ""
    """Kind of the parameter, a case of `strings._draw_parameter`; empty without a parameter."""


def _quote_word(word: object) -> str:
    return f"'{word}'"


def _format_list(items: Sequence[object]) -> str:
    return "[" + ", ".join(_quote_word(i) if isinstance(i, str) else str(i) for i in items) + "]"


def _format_vowel_replacement(word: str, by: Callable[[str], str]) -> str:
    chain = "".join(f".replace('{v}','{by(v)}')" for v in VOWELS if v in word)
    return _quote_word(word) + chain


def _format_vowel_count(word: str) -> str:
    found = [v for v in VOWELS if v in word]
    return "+".join(f"'{word}'.count('{v}')" for v in found) or "0"


def _make_item_formatter(write: Callable[[int, int], str]) -> Callable[[list[int], int], str]:
    """Return a function that formats a list with `write` applied to each item."""
    return lambda a, k: f"[{','.join(write(i, k) for i in a)}]"


def _make_test_formatter(write: Callable[[int, int], str]) -> Callable[[list[int], int], str]:
    """Return a function that formats a list of tests, one for each item, for a filter."""
    return lambda a, k: f"[{','.join(write(i, k) for i in a)}]"


FILTERS = ("drop_above", "keep_above", "keep_even", "keep_odd", "longer_than")
"""Operations whose expression states for each item whether it is kept."""

OPERATIONS: dict[str, Operation] = {
    "double_vowels": Operation(
        WORD,
        WORD,
        lambda a, k: "".join(c * 2 if c in VOWELS else c for c in a),
        lambda a, k: _format_vowel_replacement(a, lambda v: v * 2),
    ),
    "drop_vowels": Operation(
        WORD,
        WORD,
        lambda a, k: "".join(c for c in a if c not in VOWELS),
        lambda a, k: _format_vowel_replacement(a, lambda v: ""),
    ),
    "replace_letter": Operation(
        WORD,
        WORD,
        lambda a, k: "".join(k[1] if c == k[0] else c for c in a),
        lambda a, k: f"'{a}'.replace('{k[0]}','{k[1]}')",
        "letter",
    ),
    "reverse": Operation(
        WORD, WORD, lambda a, k: "".join(reversed(a)), lambda a, k: f"'{a}'[::-1]"
    ),
    "first_to_end": Operation(
        WORD, WORD, lambda a, k: a[1:] + a[:1], lambda a, k: f"'{a}'[1:]+'{a}'[0]"
    ),
    "last_to_front": Operation(
        WORD, WORD, lambda a, k: a[-1:] + a[:-1], lambda a, k: f"'{a}'[-1]+'{a}'[:-1]"
    ),
    "swap_ends": Operation(
        WORD,
        WORD,
        lambda a, k: a[-1] + a[1:-1] + a[0],
        lambda a, k: f"'{a}'[-1]+'{a}'[1:-1]+'{a}'[0]",
    ),
    "every_second": Operation(
        WORD,
        WORD,
        lambda a, k: "".join(c for i, c in enumerate(a) if i % 2 == 0),
        lambda a, k: f"'{a}'[::2]",
    ),
    "even_letters": Operation(
        WORD,
        WORD,
        lambda a, k: "".join(c for i, c in enumerate(a) if i % 2),
        lambda a, k: f"'{a}'[1::2]",
    ),
    "drop_first": Operation(WORD, WORD, lambda a, k: a[1:], lambda a, k: f"'{a}'[1:]"),
    "drop_last": Operation(WORD, WORD, lambda a, k: a[:-1], lambda a, k: f"'{a}'[:-1]"),
    "append": Operation(WORD, WORD, lambda a, k: f"{a}{k}", lambda a, k: f"'{a}'+'{k}'", "ending"),
    "prepend": Operation(WORD, WORD, lambda a, k: f"{k}{a}", lambda a, k: f"'{k}'+'{a}'", "ending"),
    "upper": Operation(WORD, WORD, lambda a, k: a.upper(), lambda a, k: f"'{a}'.upper()"),
    "twice": Operation(WORD, WORD, lambda a, k: a + a, lambda a, k: f"'{a}'*2"),
    "mirror": Operation(
        WORD, WORD, lambda a, k: a + "".join(reversed(a)), lambda a, k: f"'{a}'+'{a}'[::-1]"
    ),
    "first_double": Operation(WORD, WORD, lambda a, k: a[0] + a, lambda a, k: f"'{a}'[0]+'{a}'"),
    "sort_letters": Operation(
        WORD, WORD, lambda a, k: "".join(sorted(a)), lambda a, k: f"''.join(sorted('{a}'))"
    ),
    "add_length": Operation(
        WORD, WORD, lambda a, k: f"{a}{len(a)}", lambda a, k: f"'{a}'+str(len('{a}'))"
    ),
    "dashes": Operation(WORD, WORD, lambda a, k: "-".join(a), lambda a, k: f"'-'.join('{a}')"),
    "letters_times": Operation(
        WORD, NUMBER, lambda a, k: len(a) * k, lambda a, k: f"len('{a}')*{k}", "small"
    ),
    "vowels_times": Operation(
        WORD,
        NUMBER,
        lambda a, k: sum(c in VOWELS for c in a) * k,
        lambda a, k: f"({_format_vowel_count(a)})*{k}",
        "small",
    ),
    "letters_minus_vowels": Operation(
        WORD,
        NUMBER,
        lambda a, k: k * len(a) - sum(c in VOWELS for c in a),
        lambda a, k: f"{k}*len('{a}')-({_format_vowel_count(a)})",
        "small",
    ),
    "plus": Operation(NUMBER, NUMBER, lambda a, k: a + k, lambda a, k: f"{a}+{k}", "limit"),
    "minus": Operation(NUMBER, NUMBER, lambda a, k: a - k, lambda a, k: f"{a}-{k}", "small"),
    "times": Operation(NUMBER, NUMBER, lambda a, k: a * k, lambda a, k: f"{a}*{k}", "small"),
    "double_each": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i + i for i in a],
        _make_item_formatter(lambda i, k: f"2*{i}"),
    ),
    "add_each": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i + k for i in a],
        _make_item_formatter(lambda i, k: f"{i}+{k}"),
        "limit",
    ),
    "take_each": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i - k for i in a],
        _make_item_formatter(lambda i, k: f"{i}-{k}"),
        "small",
    ),
    "times_each": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i * k for i in a],
        _make_item_formatter(lambda i, k: f"{i}*{k}"),
        "small",
    ),
    "square_each": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i * i for i in a],
        _make_item_formatter(lambda i, k: f"{i}**2"),
    ),
    "drop_above": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i for i in a if i <= k],
        _make_test_formatter(lambda i, k: f"{i}<={k}"),
        "limit",
    ),
    "keep_above": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i for i in a if i > k],
        _make_test_formatter(lambda i, k: f"{i}>{k}"),
        "limit",
    ),
    "keep_even": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i for i in a if not i & 1],
        _make_test_formatter(lambda i, k: f"{i}%2==0"),
    ),
    "keep_odd": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [i for i in a if i & 1],
        _make_test_formatter(lambda i, k: f"{i}%2==1"),
    ),
    "append_sum": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: [*a, sum(a)],
        lambda a, k: f"{_format_list(a)}+[sum({_format_list(a)})]",
    ),
    "append_number": Operation(
        NUMBERS, NUMBERS, lambda a, k: [*a, k], lambda a, k: f"{_format_list(a)}+[{k}]", "limit"
    ),
    "sort_up": Operation(
        NUMBERS, NUMBERS, lambda a, k: sorted(a), lambda a, k: f"sorted({_format_list(a)})"
    ),
    "sort_down": Operation(
        NUMBERS,
        NUMBERS,
        lambda a, k: sorted(a)[::-1],
        lambda a, k: f"sorted({_format_list(a)},reverse=True)",
    ),
    "total": Operation(
        NUMBERS, NUMBER, lambda a, k: sum(a), lambda a, k: f"sum({_format_list(a)})"
    ),
    "sum_plus_first": Operation(
        NUMBERS, NUMBER, lambda a, k: sum([*a, a[0]]), lambda a, k: f"sum({_format_list(a)})+{a[0]}"
    ),
    "spread": Operation(
        NUMBERS,
        NUMBER,
        lambda a, k: sorted(a)[-1] - sorted(a)[0],
        lambda a, k: f"max({_format_list(a)})-min({_format_list(a)})",
    ),
    "largest_plus_count": Operation(
        NUMBERS,
        NUMBER,
        lambda a, k: sorted(a)[-1] + len(a),
        lambda a, k: f"max({_format_list(a)})+len({_format_list(a)})",
    ),
    "ends_product": Operation(
        NUMBERS, NUMBER, lambda a, k: a[0] * a[-1], lambda a, k: f"{a[0]}*{a[-1]}"
    ),
    "longer_than": Operation(
        WORDS,
        WORDS,
        lambda a, k: [w for w in a if len(w) > k],
        lambda a, k: f"[{','.join(f'len({_quote_word(w)})>{k}' for w in a)}]",
        "length",
    ),
    "sort_words": Operation(
        WORDS, WORDS, lambda a, k: sorted(a), lambda a, k: f"sorted({_format_list(a)})"
    ),
    "initials": Operation(
        WORDS,
        WORD,
        lambda a, k: "".join(w[0] for w in a),
        lambda a, k: "+".join(f"'{w}'[0]" for w in a),
    ),
    "finals": Operation(
        WORDS,
        WORD,
        lambda a, k: "".join(w[-1] for w in a),
        lambda a, k: "+".join(f"'{w}'[-1]" for w in a),
    ),
    "glue": Operation(
        WORDS, WORD, lambda a, k: k.join(a), lambda a, k: f"'{k}'.join({_format_list(a)})", "sign"
    ),
    "lengths": Operation(
        WORDS,
        NUMBERS,
        lambda a, k: [len(w) for w in a],
        lambda a, k: f"[{','.join(f'len({_quote_word(w)})' for w in a)}]",
    ),
    "all_letters": Operation(
        WORDS, NUMBER, lambda a, k: len("".join(a)), lambda a, k: f"len({_quote_word(''.join(a))})"
    ),
}
_LIST_OPERATIONS: tuple[tuple[str, Callable[..., Value], Callable[..., str]], ...] = (
    (
        "even_places",
        lambda a, k: [i for n, i in enumerate(a, 1) if n % 2 == 0],
        lambda a, k: f"{_format_list(a)}[1::2]",
    ),
    (
        "odd_places",
        lambda a, k: [i for n, i in enumerate(a, 1) if n % 2],
        lambda a, k: f"{_format_list(a)}[::2]",
    ),
    ("backwards", lambda a, k: a[::-1], lambda a, k: f"{_format_list(a)}[::-1]"),
    ("cut_first", lambda a, k: a[1:], lambda a, k: f"{_format_list(a)}[1:]"),
    ("cut_last", lambda a, k: a[:-1], lambda a, k: f"{_format_list(a)}[:-1]"),
)
for _name, _apply, _write in _LIST_OPERATIONS:
    OPERATIONS[f"{_name}:{NUMBERS}"] = Operation(NUMBERS, NUMBERS, _apply, _write)
    OPERATIONS[f"{_name}:{WORDS}"] = Operation(WORDS, WORDS, _apply, _write)


def is_common_operation(operations: Sequence[str]) -> bool:
    """Return whether a rule is one operation that everybody knows, so no hint would be needed."""
    plain = {
        "reverse",
        "total",
        "sort_up",
        "sort_down",
        "sort_words",
        "upper",
        "all_letters",
        "first_to_end",
    }
    return len(operations) == 1 and operations[0].split(":")[0] in (*plain, "backwards", "initials")
