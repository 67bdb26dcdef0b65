"""Evaluates the expressions that a model writes, such as `3 * (4 + 5)`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction

from rm_local.engine.calculator.calculator_functions import (
    FUNCTIONS,
    get_sort_key,
    require_number,
    require_whole_number,
    sort_values,
)
from rm_local.engine.calculator.calculator_limits import CHARACTERS, ITEMS, STEPS, NotEvaluableError
from rm_local.engine.calculator.calculator_methods import (
    LIST_METHODS,
    STRING_METHODS,
    are_values_equal,
)
from rm_local.engine.calculator.calculator_values import (
    ListValue,
    Number,
    Value,
    format_result_or_raise_if_long,
    make_limited_list,
    make_limited_number,
    require_short_string,
)
from rm_local.engine.calculator.expression_parser import (
    Call,
    Comparison,
    ConstantName,
    ListLiteral,
    Node,
    NumberLiteral,
    Operation,
    StringLiteral,
    parse_expression,
)
from rm_local.engine.calculator.number_operations import apply_operator

_PI = Fraction(31415926535897932384626433832795028841972, 10**40)
_NAMES: dict[str, Value] = {"True": True, "False": False, "pi": Number(_PI, True)}
_CHARACTERS_A_STEP = 8
"""Number of characters of a resulting string that count as one step of work."""
_ORDERS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate_expression(text: str) -> str | None:
    """Evaluate an expression; return its value as text, or None if it has no value.

    An invalid expression, or one beyond `calculator_limits`, has no value. The function never
    raises an exception, and takes at most some milliseconds for any text.
    """
    if len(text) > CHARACTERS:
        return None
    try:
        return format_result_or_raise_if_long(
            _StepLimitedEvaluator().evaluate_and_count_steps(parse_expression(text))
        )
    except Exception:  # what a model writes must never end the worker
        return None


class _StepLimitedEvaluator:
    """Computes the value of one syntax tree, within a budget of `STEPS` for the work."""

    def __init__(self) -> None:
        self._steps_left = STEPS

    def evaluate_and_count_steps(self, node: Node) -> Value:
        """Compute the value of a node, and subtract the size of the value from the budget.

        The work of an operation is about the size of its result.

        Raises:
            Exception: The node has no value, or the budget is used up. NotEvaluableError and
                Python's own exceptions mean the same.
        """
        found = self._evaluate_without_counting(node)
        self._steps_left -= 1
        if isinstance(found, ListValue):
            self._steps_left -= found.size
        elif isinstance(found, str):
            self._steps_left -= len(found) // _CHARACTERS_A_STEP
        if self._steps_left < 0:
            raise NotEvaluableError
        return found

    def _evaluate_without_counting(self, node: Node) -> Value:
        """Compute the value of a node; the work of its last operation is not subtracted."""
        match node:
            case NumberLiteral(text):
                decimal = not text.isdigit()
                return make_limited_number(Fraction(text) if decimal else int(text), decimal)
            case StringLiteral(text):
                return require_short_string(text)
            case ConstantName(name):
                return _NAMES[name]
            case ListLiteral(items):
                return make_limited_list([self.evaluate_and_count_steps(item) for item in items])
            case Comparison(operands, operators):
                values = [self.evaluate_and_count_steps(each) for each in operands]
                triples = zip(values, operators, values[1:], strict=False)
                return all(_compare_values(left, sign, right) for left, sign, right in triples)
            case Operation(name, operands):
                found = [
                    None if each is None else self.evaluate_and_count_steps(each)
                    for each in operands
                ]
                return self._apply_operation(name, found)
            case Call():
                return self._evaluate_call(node)

    def _apply_operation(self, name: str, values: list[Value | None]) -> Value:
        """Apply the operation `name` to the values of its operands; None = an omitted bound."""
        first, *rest = values
        if first is None:
            raise NotEvaluableError
        match name, rest:
            case "positive", []:
                return require_number(first)
            case "negative", []:
                return apply_operator("-", Number(0), require_number(first))
            case "percent", []:
                return make_limited_number(Fraction(require_number(first).value) / 100, True)
            case "not", []:
                return not _require_boolean(first)
            case "and", [other]:
                return _require_boolean(first) and _require_boolean(other)
            case "or", [other]:
                return _require_boolean(first) or _require_boolean(other)
            case "index", [place]:
                return _get_element(first, place)
            case "slice", [start, stop, step]:
                bounds = (
                    None if n is None else require_whole_number(n) for n in (start, stop, step)
                )
                return _take_slice(first, slice(*bounds))
            case sign, [other] if other is not None:
                return _apply_binary_operator(sign, first, other)
        raise NotEvaluableError

    def _evaluate_call(self, call: Call) -> Value:
        """Compute the value of a call of a function, or of a method of a string or list."""
        arguments = [self.evaluate_and_count_steps(each) for each in call.arguments]
        if call.owner is not None:
            owner = self.evaluate_and_count_steps(call.owner)
            methods = STRING_METHODS if isinstance(owner, str) else LIST_METHODS
            least, most, function = methods[call.name]
            if not isinstance(owner, str | ListValue) or not least <= len(arguments) <= most:
                raise NotEvaluableError
            arguments = [owner, *arguments]
        else:
            least, most, function = FUNCTIONS[call.name]
            if not least <= len(arguments) <= most:
                raise NotEvaluableError
        if call.reverse is None:
            return function(*arguments)
        if function is not sort_values:
            raise NotEvaluableError
        return sort_values(
            arguments[0], _require_boolean(self.evaluate_and_count_steps(call.reverse))
        )


def _apply_binary_operator(sign: str, left: Value, right: Value) -> Value:
    """Compute `left sign right` for two numbers; join (`+`) or repeat (`*`) strings or lists."""
    if isinstance(left, Number) and isinstance(right, Number):
        return apply_operator(sign, left, right)
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return require_short_string(left + right)
    if sign == "+" and isinstance(left, ListValue) and isinstance(right, ListValue):
        return make_limited_list(left.items + right.items)
    if sign != "*":
        raise NotEvaluableError
    if isinstance(left, Number):
        left, right = right, left
    times = require_whole_number(right)
    if times > ITEMS:
        raise NotEvaluableError
    if isinstance(left, str):
        if len(left) * times > ITEMS:
            raise NotEvaluableError
        return require_short_string(left * times)
    if not isinstance(left, ListValue) or left.size * times > ITEMS:
        raise NotEvaluableError
    return make_limited_list(left.items * times)


def _require_boolean(value: Value | None) -> bool:
    if not isinstance(value, bool):
        raise NotEvaluableError
    return value


def _compare_values(left: Value, sign: str, right: Value) -> bool:
    match sign:
        case "==":
            return are_values_equal(left, right)
        case "!=":
            return not are_values_equal(left, right)
        case "in" | "not in":
            return _contains_value(right, left) == (sign == "in")
    return _ORDERS[sign](get_sort_key(left), get_sort_key(right))


def _contains_value(owner: Value, wanted: Value) -> bool:
    if isinstance(owner, str) and isinstance(wanted, str):
        return wanted in owner
    if isinstance(owner, ListValue):
        return any(are_values_equal(each, wanted) for each in owner.items)
    raise NotEvaluableError


def _get_element(owner: Value, place: Value | None) -> Value:
    if place is None:
        raise NotEvaluableError
    if isinstance(owner, str):
        return owner[require_whole_number(place)]
    if isinstance(owner, ListValue):
        return owner.items[require_whole_number(place)]
    raise NotEvaluableError


def _take_slice(owner: Value, part: slice) -> Value:
    if isinstance(owner, str):
        return owner[part]
    if isinstance(owner, ListValue):
        return make_limited_list(owner.items[part])
    raise NotEvaluableError
