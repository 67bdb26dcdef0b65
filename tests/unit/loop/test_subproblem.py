"""The first sentence of what the model writes after the cue."""

from __future__ import annotations

import pytest

from rm_local.loop.subproblem import extract_first_sentence, extract_subproblem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("How do I add fractions? The first is 3/4.", "How do I add fractions?"),
        (" How to round 3.14 to 2.5 places. Then", "How to round 3.14 to 2.5 places."),
        ("Use e.g. a table, i.e. rows. Next", "Use e.g. a table, i.e. rows."),
        ("Speed vs. time, by Dr. Euler. Next", "Speed vs. time, by Dr. Euler."),
        ("See fig. 3 and No. 5 of it. Next", "See fig. 3 and No. 5 of it."),
        ("The sum 1 + 2 + ... + n of numbers. Next", "The sum 1 + 2 + ... + n of numbers."),
        ("I wonder... How is it done?", "I wonder..."),
        ("How to compute n! / k! in steps. Next", "How to compute n! / k! in steps."),
        ("1. How do I add? 2. How do I", "1. How do I add?"),
        ("How to solve for x. I need", "How to solve for x."),
        ("how to add two numbers\nOkay, so", "how to add two numbers"),
        ("\n\n  How to add\nthem", "How to add"),
        ("如何求和？然后", "如何求和？"),
    ],
)
def test_the_first_sentence_ends_where_a_reader_would_end_it(text: str, sentence: str) -> None:
    """Decimals, abbreviations, ellipses, factorials and list numbers are no ends."""
    assert extract_first_sentence(text) == sentence


@pytest.mark.parametrize("text", ["", "\n ", "How do I", "It is 3.", "Use e.g.", "sum of 1 + ..."])
def test_a_sentence_that_may_continue_is_not_given_out(text: str) -> None:
    """While the model streams, a point at the end may still become a decimal."""
    assert extract_first_sentence(text) is None


def test_a_question_mark_ends_at_once() -> None:
    """No further token is needed after a question mark."""
    assert extract_first_sentence("How do I add?") == "How do I add?"


def test_at_the_end_the_rest_is_the_sentence() -> None:
    """A text that was cut off is taken as it is; an empty one is nothing."""
    assert extract_first_sentence(" How do I add. ", final=True) == "How do I add."
    assert extract_first_sentence("How do I", final=True) == "How do I"
    assert extract_first_sentence("  \n", final=True) is None


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (' "How do I add fractions?" Okay', "How do I add fractions?"),
        ("“How do I add fractions”", "How do I add fractions"),
        ("**How do I add** fractions?", "How do I add fractions?"),
        ("- `gcd` of two numbers?", "gcd of two numbers?"),
        ('"GCD" of two numbers?', '"GCD" of two numbers?'),
        ("1. How\tdo \x1b[31mI\x1b[0m add?", "How do I add?"),
        ('...?!"', None),
        ("", None),
    ],
)
def test_the_query_is_bare(text: str, query: str | None) -> None:
    """List marks, enclosing quotes, emphasis and control characters go; no words means None."""
    assert extract_subproblem(text, final=True) == query


def test_a_query_is_never_longer_than_a_paragraph() -> None:
    """A model that does not stop is cut at a word."""
    query = extract_subproblem("word " * 500, final=True)

    assert query is not None
    assert 200 < len(query) <= 400
    assert query.endswith("word")
