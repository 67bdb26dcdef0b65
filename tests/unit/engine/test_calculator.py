"""The calculator: what an expression is worth, and what has no value."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from rm_local.engine.calculator import evaluate_expression
from rm_local.engine.calculator.calculator_limits import (
    CHARACTERS,
    ITEMS,
    RESULT,
    STEPS,
    NotEvaluableError,
)
from rm_local.engine.calculator.evaluator import _StepLimitedEvaluator
from rm_local.engine.calculator.expression_parser import parse_expression

VALUES = {
    "12*12": "144",
    " 7 - 10 ": "-3",
    "2+3*4": "14",
    "(2+3)*4": "20",
    "6/3": "2",
    "7/2": "7/2",
    "1/3+1/6": "1/2",
    "-7//2": "-4",
    "-7%3": "2",
    "2**10": "1024",
    "2^3^2": "512",
    "-2**2": "-4",
    "2**-1": "1/2",
    "--3": "3",
    "2**100": "1267650600228229401496703205376",
    "3×4÷2−1": "5",
    "20% of 85": "17",
    "15% of 85": "12.75",
    "1/2 of 10": "5",
    "7 % 4": "3",
    # A decimal in the input makes one of the result: exact, and shown with ten digits.
    "0.1+0.2": "0.3",
    "7/2.0": "3.5",
    "1.50*2": "3",
    ".5*3": "1.5",
    "1.0/3": "0.3333333333",
    "2/3*1.0": "0.6666666667",
    "1e3/8": "125",
    "1234567890123.5": "1234567890124",
    "1.0525**30": "4.641551091",
    "0.1+0.2==0.3": "True",
    "float(1/4)": "0.25",
    "sqrt(16)": "4",
    "sqrt(1/4)": "1/2",
    "sqrt(2)": "1.414213562",
    "sqrt(2)**2": "2",
    "9**0.5": "3",
    "27**(1/3)": "3",
    "pi*2**2": "12.56637061",
    "1<2": "True",
    "3>=4": "False",
    "1<2<3": "True",
    "1/2==2/4": "True",
    "3!=3.0": "False",
    "not 1>2 and True": "True",
    "1>2 or 2>1": "True",
    "3=='3'": "False",
    "len('hello')": "5",
    "'ab'+'cd'": "'abcd'",
    "'ab'*3": "'ababab'",
    "2*[0]": "[0, 0]",
    "'hello'[::-1]": "'olleh'",
    "'hello'[1:3]": "'el'",
    "'hello'[-1]": "'o'",
    "[5,6,7][1]": "6",
    "[1,2,3,4][::2]": "[1, 3]",
    "[1,2]+[3]": "[1, 2, 3]",
    "[[1,2],[3]][0][1]": "2",
    "[1,2,]": "[1, 2]",
    "sum([1,2.5])": "3.5",
    "sum(range(1,101))": "5050",
    "max(3,9,4)": "9",
    "min([2,1/2])": "1/2",
    "sorted([3,1,2])": "[1, 2, 3]",
    "sorted(['b','a'], reverse=True)": "['b', 'a']",
    "reversed([1,2])": "[2, 1]",
    "abs(-3/4)": "3/4",
    "round(2.675, 2)": "2.68",
    "round(2.5)": "2",
    "round(10/4, 1)": "2.5",
    "floor(7/2)+ceil(7/2)": "7",
    "gcd(12,18)": "6",
    "lcm([4,6,10])": "60",
    "factorial(5)": "120",
    "comb(52,5)": "2598960",
    "pow(7,100,13)": "9",
    "divmod(17,5)": "[3, 2]",
    "int('42')+int(7/2)": "45",
    "int('101', 2)": "5",
    "bin(5)": "'0b101'",
    "str(12)+'!'": "'12!'",
    "chr(ord('a')+1)": "'b'",
    "'Abc'.upper()": "'ABC'",
    "'Abc'.lower().count('a')": "1",
    "'a b c'.split()": "['a', 'b', 'c']",
    "'-'.join(['x','y'])": "'x-y'",
    "'banana'.replace('an','')": "'ba'",
    "'banana'.index('n')": "2",
    "'banana'.find('z')": "-1",
    "[1,2,1].count(1)": "2",
    "[4,5].index(5)": "1",
    "'a' in 'abc'": "True",
    "2 not in [1,3]": "True",
    r"'it\'s'": '"it\'s"',
    "'a=b'.split('=')": "['a', 'b']",
}
WITHOUT_VALUE = [
    "", " ", "x", "1+", "+", "(1", "1)", "[1", "1 2", "2(3)", "1,2", "1.", "1.5.2", "0x10", "1_0",
    "5 apples", "$5", "85*20%", "3 ==", "a=1", "lambda: 1", "{1}", "{1: 2}", "(1, 2)", "not",
    "1/0", "5%0", "0**-1", "sqrt(-1)", "2**(1/3)", "[1][1]", "'a'[0.5]", "min([])",
    "'a'.index('b')", "True+1", "'a'+1", "[1]-[1]", "1<'a'", "sorted([1,'a'])", "[1]<[2]",
    "len()", "len(5)", "abs(1,2)", "max(1, reverse=True)", "int('x')", "int('٣')", "5.upper()",
    "'a'.encode()",
    # Names and attributes that lead anywhere.
    "__import__('os')", "open('/etc/passwd')", "exec('1')", "().__class__", "''.__class__",
    "''.__class__()", "'%s'.__mod__(1)", "'{}'.format(1)", "f'{1}'", "b'1'", "math.sqrt(4)",
    # Too large.
    "9**9**9", "10**10**10", "(-9)**9**9", "9.9**9999", "10**100", "1e99*10", "2**(10**30)",
    "factorial(10**50)", "comb(10**9,10**8)", "1/3**300", "'a'*300*300", "[0]*10**9", "'a'*10**9",
    "[[0]*99]*99", "range(10**9)", "round(1.5,10**9)", "1.5**-999999", "sqrt(1e-99)*1e-99",
    # Hostile as text.
    "٣+1", "1\0+1", "1\n+1", "1\u2028+1", "'\x1b[31m'", "\ud800", "𝟏+𝟐", "'\\x41'", "'a", "1" * 101,
    "(" * 50 + "1" + ")" * 50, "[" * 50 + "]" * 50, "2" + "**2" * 50, "-(" * 40 + "1" + ")" * 40,
    "abs(" * 30 + "1" + ")" * 30, "1+" * 200, "1+1" + " " * CHARACTERS, "9" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_an_expression_has_a_value(text: str, value: str) -> None:
    """Exact arithmetic, comparisons, strings and lists, with Python's meaning."""
    assert evaluate_expression(text) == value


@pytest.mark.parametrize("text", WITHOUT_VALUE, ids=lambda text: repr(text)[:30])
def test_what_is_no_expression_or_too_large_has_no_value(text: str) -> None:
    """None, and never an error."""
    assert evaluate_expression(text) is None


@given(st.integers(0, 10**9).map(random.Random))
def test_arithmetic_is_that_of_fractions(draw: random.Random) -> None:
    """Random expressions of whole numbers and decimals have the value that Fraction gives them."""
    text, value = expression(draw, 4)

    found = evaluate_expression(text)

    if value is None:
        assert found is None
    else:
        assert found == (str(value) if "." not in text else found)
        assert found is not None
        error = abs(Fraction(found) - value)
        assert error <= abs(value) / 10**9


def expression(draw: random.Random, depth: int) -> tuple[str, Fraction | None]:
    """A random expression in brackets, and its value; None = it divides by zero."""
    if depth == 0 or draw.random() < 0.2:
        digits = str(draw.randint(0, 30)) + draw.choice(["", "", "", ".5", ".25"])
        return digits, Fraction(digits)
    left, a = expression(draw, depth - 1)
    right, b = expression(draw, depth - 1)
    sign = draw.choice("+-*/")
    text = f"({left}{sign}{right})"
    if a is None or b is None or (sign == "/" and not b):
        return text, None
    return text, {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="0123456789.+-*/%()[],:'\"<>=! aefilnorstx_\\^", max_size=CHARACTERS),
        st.lists(
            st.sampled_from(
                ["9", "**", "(", ")", "[", "]", ",", "'a'", "*", "range(", "sorted(", "str(", "-",
                 "list(", ".join(", ".split(", "sum(", "999", "==", "in", ":", "sqrt(", "/", "1.5"]
            ),
            max_size=40,
        ).map("".join),
    )
)  # fmt: skip
def test_nothing_raises_and_no_result_is_long(text: str) -> None:
    """Whatever the text: a short result, or None."""
    found = evaluate_expression(text)

    assert found is None or 0 < len(found) <= RESULT


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["sum(range(999))"] * 12),
        "+".join(["sorted(range(999))"] * 10),
        "==".join(["[0]*999"] * 22),
    ],
)
def test_work_is_counted_while_it_is_done(text: str) -> None:
    """An expression that is short and asks for much work is given up within its budget."""
    assert len(text) <= CHARACTERS
    evaluator = _StepLimitedEvaluator()

    with pytest.raises(NotEvaluableError):
        evaluator.evaluate_and_count_steps(parse_expression(text))

    assert -ITEMS - STEPS / 10 <= evaluator._steps_left <= ITEMS
