"""Text that repeats itself for a reason is let grow; a loop is ended soon."""

from __future__ import annotations

import pytest

from rm_local.engine.worker.decoding.repetition import (
    COPIED,
    COPIED_SIGNS,
    RepetitionDetector,
)
from tests.support.repetitive_texts import GOOD, LOOPS, tokens

BEGINNING = (
    "Let us see. We are asked for the number of ways in which the books can be put on the shelf, "
    "and each of them can stand at any place, so at first sight there are six of them.\n"
)


def ends_at(text: str) -> int | None:
    """The number of tokens after which the detector ends the text; None if it never does."""
    detector = RepetitionDetector()
    for count, (token, piece) in enumerate(tokens(text), 1):
        if detector.add_token_and_detect_loop(token, piece):
            return count
    return None


def length_of(text: str) -> int:
    """Tokens of a text."""
    return sum(1 for _ in tokens(text))


def period_of(sentence: str) -> int:
    """Tokens by which a text of this sentence over and over grows with each."""
    return length_of(sentence * 3) - length_of(sentence * 2)


@pytest.mark.parametrize("name", GOOD)
def test_good_text_is_never_ended(name: str) -> None:
    """Also after other text, and also when the same kind of text came before."""
    assert ends_at(BEGINNING + GOOD[name]) is None


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_ended(name: str) -> None:
    """Long before a budget is spent, in the middle of the loop."""
    text = BEGINNING + LOOPS[name]
    ended = ends_at(text)

    assert ended is not None
    assert ended <= length_of(BEGINNING) + 1200


@pytest.mark.parametrize(
    "sentence",
    [
        "wait ",
        "The capital of France is Paris. ",
        "So the answer must be something else. Let me think once more about it.\n",
        "I have to find the sum of the even numbers, so I write down the first of them, then the "
        "last, and how many there are between them, and then I add all of them up. ",
    ],
)
def test_a_sentence_is_ended_within_200_tokens_of_its_first_repeat(sentence: str) -> None:
    """The first repeat begins where the sentence ends for the first time."""
    first = length_of(BEGINNING + sentence)
    ended = ends_at(BEGINNING + sentence * 300)

    assert ended is not None
    assert COPIED - 10 <= ended - first <= 200


def test_figures_and_signs_may_repeat_twice_as_long() -> None:
    """A table of zeros is no loop of words."""
    ended = ends_at("0" * 1000)

    assert ended == COPIED_SIGNS + 1


def test_a_long_paragraph_needs_less_than_three_copies() -> None:
    """A period of some hundred tokens: one copy, and COPIED tokens of the next."""
    paragraph = "".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)} " for n in range(300))
    period = period_of(paragraph)

    assert period > 200
    ended = ends_at(paragraph * 10)

    assert ended is not None
    assert abs(ended - 2 * period - COPIED) <= 2


def test_a_branch_may_repeat_itself_after_a_long_time() -> None:
    """The periods that are compared end somewhere: the same program written twice is no loop."""
    program = "".join(f"line {n} of the program\n" for n in range(300))

    assert ends_at(program * 2) is None


def test_the_numbers_of_a_list_are_held_back_not_lost() -> None:
    """A line that begins with a figure which does not number it counts with the figure."""
    primes = "".join(f"{n} is a prime number.\n" for n in range(100, 300))
    numbered = "".join(f"{n}. This is a prime number.\n" for n in range(100, 300))

    assert ends_at(primes) is None
    assert ends_at(numbered) is not None
