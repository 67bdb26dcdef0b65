"""Expressions in a stream of text: where one is closed, however the stream is cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from rm_local.engine.calculator import ExpressionFinder

CLOSED = {
    "So <<12*12=": "12*12",
    "<< 3 + 4 =": " 3 + 4 ",
    "a < b <<1=": "1",
    "<<<1=": "1",
    "<<1 <<2=": "2",
    "<<1\n<<2=": "2",
    "<<1+1=2>> and <<2+2=": "2+2",
    "<<3==3=": "3==3",
    "<<3<=4=": "3<=4",
    "<<'a=b'.count('=')=": "'a=b'.count('=')",
}
OPEN = [
    "12*12=", "<12*12=", "< <12=", "<<=", "<<12*12", "<<12\n*12=", "<<1=2>>=", "<<3==", "<<3<=",
    "<<3>=", "<<3!=", "<<" + "1" * 201 + "=",
]  # fmt: skip


def last_found(pieces: list[str], before: str = "") -> str | None:
    """What the finder says at the last piece."""
    finder = ExpressionFinder(before)
    return [finder.add_text_and_find_expression(piece) for piece in pieces][-1]


def cut(text: str, seed: int) -> list[str]:
    """The text in random pieces; the last ends where the text does."""
    draw = random.Random(seed)
    pieces: list[str] = []
    while text:
        size = draw.randint(1, 4)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


@pytest.mark.parametrize(("text", "expression"), CLOSED.items())
@given(st.integers(0, 1000))
def test_an_equals_sign_closes_an_expression(text: str, expression: str, seed: int) -> None:
    """It does so wherever the tokens part the text."""
    assert last_found([text]) == expression
    assert last_found(list(text)) == expression
    assert last_found(cut(text, seed)) == expression


@pytest.mark.parametrize("text", OPEN)
def test_other_equals_signs_close_nothing(text: str) -> None:
    """Without `<<` on the line, in an operator, after nothing, or too far away."""
    assert last_found([text]) is None
    assert last_found(list(text)) is None


def test_text_after_the_sign_in_one_piece_is_the_models_own() -> None:
    """What the model has written in the same token cannot be written in its stead."""
    assert last_found(["<<1+1", "=2"]) is None


def test_an_expression_may_begin_in_what_was_forced() -> None:
    """A hint or a beginning of the answer may end with an open expression."""
    assert last_found(["="], before="I write <<12*12") == "12*12"
    assert last_found(["<", "3="], before="I write <") == "3"


def test_after_its_result_an_expression_is_forgotten() -> None:
    """The same `=` is not answered twice."""
    finder = ExpressionFinder()
    finder.add_text_and_find_expression("<<1+1=")
    finder.forget_expression()

    assert finder.add_text_and_find_expression("=") is None
    assert finder.add_text_and_find_expression("<<2+2=") == "2+2"
