"""Final answers: found in a text, and compared."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rm_local.loop.answers import extract_answer, normalize_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So \boxed{7}, no: \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{3} and then \boxed{4", "3"),
        (r"\boxed{\text{yes}}", "yes"),
        ("Answer: 5\nMore. \n**Answer:** 42 cm.", "42 cm"),
        ("**Final Answer**: $3.5$", "3.5"),
        ("Answer:\n12", "12"),
        ("Answer: \\(x = 5\\)", "x = 5"),
        ("I think the answer is 3.5. It fits.", "3.5"),
        ("So the correct option is (B).", "(B)"),
        ("The answer is **Paris**; it is a city.", "Paris"),
        ("I compare them.\n(C) 12 metres", "C"),
        (" 42. ", "42"),
        ("-3/4", "-3/4"),
        ("1,250", "1,250"),
        ("Hello! I can add numbers.", None),
        ("The answer:", None),
        ("f(A) is larger", None),
        ("", None),
        (r"\boxed{}", None),
    ],
)
def test_the_answer_is_found(text: str, answer: str | None) -> None:
    """Boxes before answer lines before phrases before choices before a lone number."""
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 12", None),
        ("Answer: 12\nThis is", "12"),
        (r"It is \boxed{12}", "12"),
        (r"It is \boxed{1", None),
        ("12", None),
    ],
)
def test_a_cut_text_gives_only_what_is_complete(text: str, answer: str | None) -> None:
    """The last line of a text that breaks off may be the beginning of another number."""
    assert extract_answer(text, cut=True) == answer


@pytest.mark.parametrize(
    "same",
    [
        ("3", "3.0", "+3", "3.", " 3 ", "$3$", "3.00", r"\text{3}"),
        ("1234", "1,234", r"1{,}234", "1,234.0", r"1\,234"),
        ("x = 5", "5", "x=5", "X_1 = 5"),
        (r"\frac{1}{2}", "1/2", r"\dfrac{1}{2}", "1 / 2"),
        ("5 cm", "5cm", r"5\text{ cm}", r"5\,\mathrm{cm}", "5.0 cm"),
        ("(B)", "b", "B."),
        ("50%", r"50\%", "50 %"),
        ("New York", "new  york"),
        ("0.5", ".5", ".50"),
        ("−2", "-2", "- 2"),
        ("(1, 2)", "(1,2)", r"\left(1, 2\right)"),
        ("2x + 3", "2x+3"),
        ("0", "-0"),
    ],
)
def test_ways_of_writing_one_answer_are_one(same: tuple[str, ...]) -> None:
    """These agree in the vote."""
    assert {normalize_answer(answer) for answer in same} == {normalize_answer(same[0])}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1/2", "0.5"),
        ("5 cm", "5"),
        ("5 cm", "5 m"),
        ("12", "1 2"),
        ("(1,234)", "1234"),
        ("1.2.30", "1.2.3"),
        ("x = 5, y = 6", "6"),
        ("3", "-3"),
        ("10", "1"),
        ("2x+3", "2x3"),
        ("a b", "ab"),
    ],
)
def test_different_answers_stay_apart(one: str, other: str) -> None:
    """Units count, and nothing is computed."""
    assert normalize_answer(one) != normalize_answer(other)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """No text makes the reading fail, and a key keeps its own key."""
    answer = extract_answer(text)
    assert answer is None or answer
    normalize_answer(text)


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_separators_never_change_a_number(number: int) -> None:
    """A whole number is itself with and without thousands separators."""
    assert normalize_answer(f"{number:,}") == normalize_answer(str(number)) == str(number)
